/* The practice run: a few seconds of looking, then what to change about light, distance and eyes. */
import { cutOut, judgeEyes } from "./eye.js";
import { eyeDistance, judgeLight, judgePlace } from "./look.js";

export const PRACTICE_S = 5;
const MIN_LOOKS = 3;
const MIN_SHARE = 0.5; // of the looks, for something to count

/** Begin a practice run. `look` takes what is found in each look; `judge` returns the advice. */
export function practise(preview) {
  const seen = [];
  return {
    look(found) {
      const { videoWidth: width, videoHeight: height } = preview;
      const place = judgePlace(found, width, height);
      const [face] = found.faces;
      if (!face) {
        seen.push({ place });
        return;
      }
      const side = Math.max(width, height);
      // The square in which places are told is around the picture, with the same middle.
      const [right, left] = face.eyes.map(({ x, y }) =>
        [side * x - (side - width) / 2, side * y - (side - height) / 2]);
      const angle = Math.atan2(left[1] - right[1], left[0] - right[0]);
      const distance = eyeDistance(face, width, height);
      const eyes = judgeEyes([right, left].map((at) => cutOut(preview, at, distance, angle)));
      seen.push({ place, light: judgeLight(found), eyes });
    },
    judge: () => judge(seen),
  };
}

/** Return the most frequent problem, or "" if at least half of the looks have none. */
function findProblem(names) {
  const problems = names.filter((name) => name);
  if (problems.length <= MIN_SHARE * names.length) return "";
  const count = (name) => problems.filter((one) => one === name).length;
  return problems.reduce((most, name) => (count(name) > count(most) ? name : most));
}

/** Return the name of the text on all together, and a line each on the light, the distance and the
 * eyes: {part, good, text}. */
export function judge(seen) {
  const line = (part, problem, good) => ({ part, good: !problem, text: problem || good });
  if (seen.length < MIN_LOOKS) return { title: "practiceUnknown", lines: [] };
  const faces = seen.filter(({ eyes }) => eyes);
  if (faces.length < MIN_SHARE * seen.length) {
    return { title: "practiceBad", lines: [line("distance", "hintNoFace")] };
  }
  const lines = [
    line("light", findProblem(faces.map(({ light }) => light)), "practiceLight"),
    line("distance", findProblem(seen.map(({ place }) => place)), "practiceDistance"),
    line("eyes", findEyeProblem(faces), "practiceEyes"),
  ];
  return { title: lines.every(({ good }) => good) ? "practiceGood" : "practiceBad", lines };
}

function findEyeProblem(faces) {
  const share = (test) => faces.filter(({ eyes }) => test(eyes)).length / faces.length;
  if (share(({ isClear }) => isClear) < MIN_SHARE) return "practiceEyesHidden";
  return share(({ isOpen }) => isOpen) < MIN_SHARE ? "practiceEyesShut" : "";
}
