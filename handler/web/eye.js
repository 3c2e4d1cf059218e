/* Whether the eyes are seen, and whether they are open, from a small picture of each.
 *
 * It is a hint for a person who practises, no measure: the analysis follows landmarks of the lids.
 */
const PER_EYE_DISTANCE = 64; // pixels of the small picture
const [WIDTH, HEIGHT] = [40, 30]; // the eye without its brow
const MIN_CONTRAST = 0.2; // from the darkest grey level to the skin's, as a share of the skin's
const SKIN_GREY_LEVEL = 60; // below, behind dark glasses, contrast is compared with this
const WHITE_LEVEL = 251;
const MAX_WHITE_SHARE = 0.1; // lamps that glasses mirror
// A shut eye is a thin dark line across, an open one a dark disc with white beside it.
const MIN_ALONG = 0.52; // changes of grey along the lids over those across them
const MIN_DISC = 0.04; // height of the dark over the distance of the eyes, times contrast to its sides
const DARK_SHARE = 0.4; // of the way from the darkest grey level to the skin's

const canvas = document.createElement("canvas");
[canvas.width, canvas.height] = [WIDTH, HEIGHT];
const context = canvas.getContext("2d", { willReadFrequently: true });

const mean = (values) => values.reduce((total, one) => total + one, 0) / values.length;

/** Return the small picture of an eye: rows of grey levels, the eyes' line level.
 *
 * `at` is the eye's place and `distance` that of the eyes, in pixels of the video; `angle` is by how
 * much the line of the eyes is turned, in radians.
 */
export function cutOut(preview, [x, y], distance, angle) {
  const scale = PER_EYE_DISTANCE / distance;
  context.setTransform(1, 0, 0, 1, WIDTH / 2, HEIGHT / 2);
  context.rotate(-angle);
  context.scale(scale, scale);
  context.imageSmoothingQuality = "high";
  // Only the surroundings, because scaling the whole video takes long.
  const side = 1.2 * distance;
  context.drawImage(
    preview, x - side / 2, y - side / 2, side, side, -side / 2, -side / 2, side, side,
  );
  const { data } = context.getImageData(0, 0, WIDTH, HEIGHT);
  const grey = (k) => 0.299 * data[k] + 0.587 * data[k + 1] + 0.114 * data[k + 2];
  return Array.from({ length: HEIGHT }, (_, row) =>
    Float64Array.from({ length: WIDTH }, (_, column) => grey(4 * (row * WIDTH + column))));
}

/** Average each pixel with its neighbours: noise looks like detail. */
function smooth(rows) {
  const at = (y, x) => rows[Math.min(HEIGHT - 1, Math.max(0, y))][Math.min(WIDTH - 1, Math.max(0, x))];
  return rows.map((row, y) => row.map((_, x) => (
    4 * at(y, x) + 2 * (at(y - 1, x) + at(y + 1, x) + at(y, x - 1) + at(y, x + 1))
    + at(y - 1, x - 1) + at(y - 1, x + 1) + at(y + 1, x - 1) + at(y + 1, x + 1)) / 16));
}

/** Return the height of the dark in pixels: of the fourth highest column, so that no lash counts. */
function measureHeight(rows, dark) {
  const runs = [];
  for (let x = 6; x < WIDTH - 6; x += 1) {
    let [run, longest] = [0, 0];
    for (let y = 5; y < HEIGHT - 2; y += 1) {
      run = rows[y][x] < dark ? run + 1 : 0;
      longest = Math.max(longest, run);
    }
    runs.push(longest);
  }
  return runs.sort((a, b) => b - a)[3];
}

/** Return by how much something as wide as an iris is darker than both of its sides. */
function measureDisc(rows) {
  let most = -Infinity;
  for (let y = 8; y < HEIGHT - 5; y += 1) {
    const band = rows[y].map((_, x) => (rows[y - 1][x] + rows[y][x] + rows[y + 1][x]) / 3);
    for (let x = 12; x < WIDTH - 12; x += 1) {
      const sides = Math.min(
        mean(band.slice(x - 9, x - 6)), mean(band.slice(x + 7, x + 10)),
      );
      most = Math.max(most, sides - mean(band.slice(x - 2, x + 3)));
    }
  }
  return most;
}

function measure(picture) {
  const all = picture.flatMap((row) => [...row]).sort((a, b) => a - b);
  const white = all.filter((level) => level >= WHITE_LEVEL).length / all.length;
  const [dark, skin] = [all[Math.floor(0.02 * all.length)], all[Math.floor(0.6 * all.length)]];
  const contrast = (skin - dark) / Math.max(skin, SKIN_GREY_LEVEL);
  const rows = smooth(picture);
  let [along, across] = [0, 0];
  rows.forEach((row, y) => row.forEach((level, x) => {
    if (x) along += Math.abs(level - row[x - 1]) / (HEIGHT * (WIDTH - 1));
    if (y) across += Math.abs(level - rows[y - 1][x]) / ((HEIGHT - 1) * WIDTH);
  }));
  const height = measureHeight(rows, dark + DARK_SHARE * (skin - dark)) / PER_EYE_DISTANCE;
  return {
    isClear: contrast >= MIN_CONTRAST && white <= MAX_WHITE_SHARE,
    along: along / Math.max(across, 1e-3),
    disc: height * measureDisc(rows) / Math.max(1, skin),
  };
}

/** Return whether both eyes are seen clearly, and whether they are open, from their small pictures. */
export function judgeEyes(pictures) {
  const eyes = pictures.map(measure);
  return {
    isClear: eyes.every(({ isClear }) => isClear),
    isOpen: mean(eyes.map(({ along }) => along)) >= MIN_ALONG
      || mean(eyes.map(({ disc }) => disc)) >= MIN_DISC,
  };
}
