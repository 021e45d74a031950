/**
 * Reading blobs and streams part by part.
 *
 * Must not import anything.
 */

/**
 * The parts of a blob, one after the other. Only one of them is in memory at a time.
 *
 * @param {Blob} blob
 * @returns {AsyncGenerator<Uint8Array>}
 */
export async function* chunksOf(blob) {
  yield* streamed(blob.stream());
}

/**
 * The parts of a stream. Who stops reading ends the stream, too.
 *
 * @param {ReadableStream<Uint8Array>} stream
 * @returns {AsyncGenerator<Uint8Array>}
 */
export async function* streamed(stream) {
  const reader = stream.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    await reader.cancel().catch(() => {});
  }
}
