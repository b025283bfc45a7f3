// How the report writes what it shows.

export function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

export function shortS(atMs: number): string {
  return `${(atMs / 1_000).toFixed(2)} s`;
}

export function grouped(count: number): string {
  return Math.round(count).toLocaleString("en");
}
