// A uuid's two forms: 16 bytes on the wire and 22 characters of URL-safe base64 everywhere else.
// Sixteen zero bytes mean "none" in Kafka and are the empty text here. Produce and Fetch name topics
// by uuid, so the text of a recently read one comes from a small table instead of being built again.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const TEXT_LENGTH = 22;
const SLOTS = 1024;
const DIGIT = new Int8Array(128).fill(-1);
for (let digit = 0; digit < 64; digit++) DIGIT[ALPHABET.charCodeAt(digit)] = digit;

const cachedWords = new Uint32Array(SLOTS * 4);
const cachedTexts: string[] = new Array<string>(SLOTS).fill("");

/** The text of the 16 bytes at `at`. */
export function readUuid(view: DataView, at: number): string {
  const w0 = view.getUint32(at);
  const w1 = view.getUint32(at + 4);
  const w2 = view.getUint32(at + 8);
  const w3 = view.getUint32(at + 12);
  const mixed = w0 ^ w1 ^ w2 ^ w3;
  const slot = (mixed ^ (mixed >>> 10)) & (SLOTS - 1);
  const first = slot * 4;
  const hit =
    cachedWords[first] === w0 &&
    cachedWords[first + 1] === w1 &&
    cachedWords[first + 2] === w2 &&
    cachedWords[first + 3] === w3;
  // An empty slot holds four zero words and the empty text, which is the right answer for them.
  if (hit) return cachedTexts[slot]!;
  const text = (w0 | w1 | w2 | w3) === 0 ? "" : renderUuid(view, at);
  cachedWords[first] = w0;
  cachedWords[first + 1] = w1;
  cachedWords[first + 2] = w2;
  cachedWords[first + 3] = w3;
  cachedTexts[slot] = text;
  return text;
}

function renderUuid(view: DataView, at: number): string {
  let text = "";
  for (let group = 0; group < 15; group += 3) {
    const high = view.getUint16(at + group);
    const bits = high * 256 + view.getUint8(at + group + 2);
    text += ALPHABET[bits >>> 18]! + ALPHABET[(bits >>> 12) & 63]!;
    text += ALPHABET[(bits >>> 6) & 63]! + ALPHABET[bits & 63]!;
  }
  const last = view.getUint8(at + 15);
  return text + ALPHABET[last >>> 2]! + ALPHABET[(last & 3) << 4]!;
}

/** Writes the 16 bytes of `text`. False, with nothing written, when it is not a uuid's text. */
export function writeUuid(bytes: Uint8Array, at: number, text: string): boolean {
  if (text === "") {
    bytes.fill(0, at, at + 16);
    return true;
  }
  if (!isUuid(text)) return false;
  let bits = 0;
  let bitCount = 0;
  let to = at;
  for (let index = 0; index < TEXT_LENGTH; index++) {
    bits = ((bits << 6) | DIGIT[text.charCodeAt(index)]!) & 0xffff;
    bitCount += 6;
    if (bitCount < 8) continue;
    bitCount -= 8;
    bytes[to++] = bits >>> bitCount;
  }
  return true;
}

/** Whether the text is the canonical form of 16 bytes: the last character carries only two bits. */
export function isUuid(text: string): boolean {
  if (text.length !== TEXT_LENGTH) return false;
  for (let index = 0; index < TEXT_LENGTH; index++) {
    const code = text.charCodeAt(index);
    if (code >= 128 || DIGIT[code]! < 0) return false;
  }
  return (DIGIT[text.charCodeAt(TEXT_LENGTH - 1)]! & 15) === 0;
}
