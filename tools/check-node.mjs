// Says clearly when the Node that would run everything is too old. Plain JavaScript, because such a
// Node could not read TypeScript.
const needed = 24;
const major = Number(process.versions.node.split(".")[0]);
if (major < needed) {
  console.error(
    `Node ${process.versions.node} (${process.execPath}) is too old: Flotilla needs ${needed} or later.\n` +
      `Linux x64 and arm64 get a pinned one from \`npm ci\`; this machine (${process.platform} ${process.arch}) has none\n` +
      `in node_modules/.bin, so put Node ${needed} or later on PATH.`,
  );
  process.exit(1);
}
