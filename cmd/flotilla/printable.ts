// Text for a screen. Records, names and messages come from strangers, and a terminal takes control characters among them for
// commands: they are shown, and not carried out. Line feeds and tabs stay.

/** C0, DEL, C1 (U+009B alone begins an escape sequence), and the marks that turn the direction of a line around. */
const COMMANDS = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;
/** UTF-8, byte by byte as Latin-1: runs of whole characters, or a byte that belongs to none. */
const UTF8 =
  /(?:[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})+|([\x80-\xff])/g;

/** Escapes are those of JSON, so that JSON stays JSON. */
export function printable(text: string): string {
  return text.replace(COMMANDS, (mark) =>
    mark === "\n" || mark === "\t" ? mark : `\\u${hex(mark, 4)}`,
  );
}

/** A byte that is no text is shown as `\xff`. */
export function printableBytes(bytes: Uint8Array): string {
  const latin = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  const text = latin.replace(UTF8, (run: string, stray: string | undefined) =>
    stray === undefined ? Buffer.from(run, "latin1").toString("utf8") : `\\x${hex(stray, 2)}`,
  );
  return printable(text);
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, "0");
}
