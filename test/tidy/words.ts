// Words that name the place where the project was written rather than the project. The patterns are spelled so that
// they do not match themselves.

const WORKPLACE: readonly RegExp[] = [
  /(^|[\s"'`(=:])\/w[o]rk\//i,
  /(^|[\s"'`(=:])\/f[a]rm\//i,
  /\.\.\/sh[a]red\b/i,
  /f[a]rm-(bench|studio)/i,
  /sub[a]gent/i,
  /helper s[e]ssion/i,
];

/** Complaints as `path:line`, one for each line of `text` that names the workplace. */
export function workplaceWords(path: string, text: string): string[] {
  return text
    .split("\n")
    .flatMap((line, at) =>
      WORKPLACE.some((word) => word.test(line)) ? [`${path}:${at + 1}`] : [],
    );
}
