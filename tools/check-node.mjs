// Says clearly when the Node that would run everything is too old. Plain JavaScript, because such a
// Node could not read TypeScript.
const needed = 24;
const major = Number(process.versions.node.split(".")[0]);
if (major < needed) {
  console.error(
    `Node ${process.versions.node} (${process.execPath}) is too old: Flotilla needs ${needed} or later.\n` +
      `On Linux x64 and arm64 \`npm ci\` installs a pinned one; on ${process.platform} ${process.arch} none is\n` +
      `pinned, so install Node ${needed} or later and put it on PATH.`,
  );
  process.exit(1);
}
