/* What the camera shows: where the face is, how bright it is, and whether its eyes are seen. */

// Limits of the analysis (tracker/measures/obstacles.py), with a margin, because these are estimates.
const MIN_EYE_PX = 36; // canthus to canthus; the analysis refuses less than 24
const EYE_OVER_EYE_DISTANCE = 0.4; // canthus to canthus, as a share of the distance between the eyes
const DARK_GREY_LEVEL = 60;
const MAX_CLIPPED_SHARE = 0.25; // of the face
const BACKLIT_GREY_LEVEL = 90; // a face below this ...
const BACKLIGHT_GREY_LEVELS = 80; // ... with surroundings brighter by this has the light behind it
const MAX_FACE_SHARE = 0.8; // of the picture's width or height
const MAX_OFF_CENTRE = 0.2; // of the picture's width or height
const MIN_OTHER_FACE_SHARE = 0.5; // of the first one's width

const DETECTOR_SIDE_PX = 128;
const INTERVAL_MS = 300;

/** Return what is wrong with the place of the face, as the name of a text; "" if nothing is. */
export function judgePlace({ faces }, width, height) {
  if (!faces.length) return "hintNoFace";
  const [face, other] = faces;
  if (other && other.box.width > MIN_OTHER_FACE_SHARE * face.box.width) return "hintSeveralFaces";
  if (EYE_OVER_EYE_DISTANCE * eyeDistance(face, width, height) < MIN_EYE_PX) return "hintTooFar";
  // Convert shares of a square around the picture to pixels.
  const side = Math.max(width, height);
  const { box } = face;
  if (box.width * side > MAX_FACE_SHARE * width || box.height * side > MAX_FACE_SHARE * height) {
    return "hintTooNear";
  }
  const offX = Math.abs(box.x + box.width / 2 - 0.5) * side / width;
  const offY = Math.abs(box.y + box.height / 2 - 0.5) * side / height;
  return Math.max(offX, offY) > MAX_OFF_CENTRE ? "hintOffCentre" : "";
}

/** Return what is wrong with the light on the first face, as the name of a text; "" if nothing is. */
export function judgeLight({ grey, clipped, around }) {
  if (grey < BACKLIT_GREY_LEVEL && around - grey > BACKLIGHT_GREY_LEVELS) return "hintBacklit";
  if (grey < DARK_GREY_LEVEL) return "hintTooDark";
  return clipped > MAX_CLIPPED_SHARE ? "hintTooBright" : "";
}

/** Return the distance between the eyes in pixels of the picture. */
export function eyeDistance({ eyes: [right, left] }, width, height) {
  return Math.max(width, height) * Math.hypot(left.x - right.x, left.y - right.y);
}

/** Look at what a video element shows, again and again.
 *
 * `onLook` gets what face.js finds, or undefined once it cannot work. Returns a function that stops.
 */
export function watch(preview, onLook) {
  const worker = new Worker("face.js");
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = DETECTOR_SIDE_PX;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let timer;
  const look = () => {
    const { videoWidth: width, videoHeight: height } = preview;
    if (!width) {
      timer = setTimeout(look, INTERVAL_MS);
      return;
    }
    const scale = DETECTOR_SIDE_PX / Math.max(width, height);
    const [w, h] = [scale * width, scale * height];
    // A phone that is turned would leave the edges of the picture before.
    context.clearRect(0, 0, DETECTOR_SIDE_PX, DETECTOR_SIDE_PX);
    context.drawImage(preview, (DETECTOR_SIDE_PX - w) / 2, (DETECTOR_SIDE_PX - h) / 2, w, h);
    const { data } = context.getImageData(0, 0, DETECTOR_SIDE_PX, DETECTOR_SIDE_PX);
    worker.postMessage({ pixels: data }, [data.buffer]);
  };
  worker.onmessage = ({ data }) => {
    onLook(data);
    timer = setTimeout(look, INTERVAL_MS);
  };
  worker.onerror = () => onLook(undefined);
  look();
  return () => {
    clearTimeout(timer);
    worker.terminate();
  };
}
