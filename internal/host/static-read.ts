// Reading sockets into one buffer that is never freed (a fresh 64 KiB buffer per read costs more than half of the
// receiver's CPU: measured 1,150 against 490 ms for 3 GB in 16 KiB messages). libuv reads and reports one
// socket at a time, so that all sockets of a process can share the buffer.
import { Socket } from "node:net";
import type { OnReadOpts } from "node:net";

const READ_BYTES = 64 << 10;
const readBuffer = new Uint8Array(READ_BYTES);

/** What is called with the bytes of each read. Lent: valid until it returns. */
export type BytesReader = (bytes: Uint8Array) => void;

/** The `onread` option that reads into the shared buffer. */
export function staticRead(reader: () => BytesReader): OnReadOpts {
  return {
    buffer: readBuffer,
    callback: (length) => {
      reader()(readBuffer.subarray(0, length));
      return true;
    },
  };
}

interface RawSocket {
  _handle: { useUserBuffer?: unknown } | null;
}

/**
 * Wraps an accepted socket again so that it reads into the shared buffer: Node offers that for outgoing
 * ones only. The socket was accepted with `pauseOnConnect`, so nothing was read yet. Where Node's
 * handle does not look as expected, the socket itself is returned and reads through `data` events.
 */
export function withStaticRead(accepted: Socket, reader: () => BytesReader): Socket {
  const raw = accepted as unknown as RawSocket;
  const handle = raw._handle;
  if (handle === null || typeof handle.useUserBuffer !== "function") {
    accepted.on("data", (bytes: Uint8Array) => reader()(bytes));
    accepted.resume(); // flows from the next tick on, unless it is paused before
    return accepted;
  }
  raw._handle = null; // the handle changes hands; destroying the empty shell does not close it
  accepted.destroy();
  const options = { handle, onread: staticRead(reader) };
  return new Socket(options as unknown as ConstructorParameters<typeof Socket>[0]);
}
