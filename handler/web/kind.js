/* Which files the service takes for a video: the same rules as tracker/video/container.py. */

const HEAD_BYTES = 512;
const BOXES = ["ftyp", "moov", "mdat", "wide", "free", "skip", "pnot"]; // MP4, MOV, 3GP
const IMAGE_BRANDS = [
  "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "avif", "avis",
];
const AUDIO_BRANDS = ["M4A ", "M4B ", "M4P "];

function isImage(text) {
  return text.startsWith("\xff\xd8\xff") || text.startsWith("\x89PNG\r\n\x1a\n")
    || text.startsWith("GIF8") || text.startsWith("II*\0") || text.startsWith("MM\0*")
    || (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP")
    || (text.startsWith("BM") && text.slice(6, 10) === "\0\0\0\0")
    || (text.slice(4, 8) === "ftyp" && IMAGE_BRANDS.includes(text.slice(8, 12)));
}

function isVideo(text) {
  return BOXES.includes(text.slice(4, 8))
    || text.startsWith("\x1a\x45\xdf\xa3") // Matroska, WebM
    || (text.startsWith("RIFF") && text.slice(8, 12) === "AVI ")
    || text.startsWith("\0\0\x01\xba") || text.startsWith("\0\0\x01\xb3") // MPEG
    || (text[0] === "G" && text[188] === "G") // MPEG transport stream
    || (text[4] === "G" && text[196] === "G") // the same, as camcorders write it
    || text.startsWith("\x30\x26\xb2\x75"); // WMV
}

/** Return "video", "image", "audio", "empty" or "other", by a file's first bytes and its type. */
export async function findKind(file) {
  if (!file.size) return "empty";
  const bytes = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const text = Array.from(bytes, (one) => String.fromCharCode(one)).join("");
  if (isImage(text)) return "image";
  const isAudio = file.type.startsWith("audio/")
    || (text.slice(4, 8) === "ftyp" && AUDIO_BRANDS.includes(text.slice(8, 12)));
  if (isAudio) return "audio";
  return isVideo(text) ? "video" : "other";
}
