// What runtimes have that the types of TypeScript do not know yet.

/** Of Workers: a stream that says beforehand how long it is, in bytes. */
declare class FixedLengthStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(length: number);
}

/** Of the Streams standard: how many bytes are waited for. */
interface ReadableStreamBYOBReader {
  read<T extends ArrayBufferView>(view: T, options: { min: number }): Promise<ReadableStreamReadResult<T>>;
}
