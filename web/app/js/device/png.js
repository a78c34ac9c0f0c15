// Pixels with their transparency as a PNG. A canvas cannot: it multiplies colours by their alpha and rounds them.

const TABLE = new Uint32Array(256).map((_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  return rest;
});

/** @param {Uint8Array} bytes */
function checksum(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = TABLE[(rest ^ byte) & 255] ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}

/**
 * @param {string} name
 * @param {Uint8Array} content
 */
function chunk(name, content) {
  const bytes = new Uint8Array(content.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  for (let at = 0; at < 4; at += 1) bytes[4 + at] = name.charCodeAt(at);
  bytes.set(content, 8);
  view.setUint32(content.length + 8, checksum(bytes.subarray(4, content.length + 8)));
  return bytes;
}

/**
 * @param {{ width: number, height: number, data: Uint8ClampedArray }} pixels straight red, green, blue and alpha
 * @returns {Promise<Blob>}
 */
export async function png({ width, height, data }) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // 8 bits, colours with alpha, no interlacing.
  header.set([8, 6, 0, 0, 0], 8);
  const row = width * 4;
  const lines = new Uint8Array((row + 1) * height);
  for (let y = 0; y < height; y += 1) {
    const to = y * (row + 1);
    // Each number less the one of the pixel before, which packs well.
    lines[to] = 1;
    for (let at = 0; at < row; at += 1) lines[to + 1 + at] = data[y * row + at] - (at < 4 ? 0 : data[y * row + at - 4]);
  }
  const packed = new Blob([lines]).stream().pipeThrough(new CompressionStream("deflate"));
  const content = new Uint8Array(await new Response(packed).arrayBuffer());
  const signature = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  // Colours are those of the web.
  const parts = [chunk("IHDR", header), chunk("sRGB", new Uint8Array(1)), chunk("IDAT", content)];
  return new Blob([signature, ...parts, chunk("IEND", new Uint8Array(0))], { type: "image/png" });
}
