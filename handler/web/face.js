/* A worker that finds faces in pictures of 128x128 pixels: MediaPipe's short-range detector, the one
 * that the analysis begins with, run in plain JavaScript. No picture leaves it.
 *
 * BlazeFace: V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile
 * GPUs", 2019, arXiv:1907.05047. The weights are read from MediaPipe's own file (Apache 2.0, see
 * LICENSE-face-detection.txt), which stays as it is in the wheel of mediapipe 0.10.21.
 *
 * In: {pixels: Uint8ClampedArray, RGBA; transparent where there is no picture}. Out: {faces: [{score,
 * box, eyes}], grey, clipped, around}, the best first, all places as shares of the picture's side. Of
 * the first one's box, grey is the mean, 0-255, and clipped the share of white; around is the mean of
 * the rest of the picture.
 */
"use strict";

const SIDE = 128;
const MIN_SCORE = 0.5;
const MAX_OVERLAP = 0.3;
const WHITE_LEVEL = 251; // tracker/face/quality.py
// Channels and stride of each block; the outputs are taken from the blocks 10 and 15.
const BLOCKS = [
  [24, 1], [28, 1], [32, 2], [36, 1], [42, 1], [48, 2], [56, 1], [64, 1],
  [72, 1], [80, 1], [88, 1], [96, 2], [96, 1], [96, 1], [96, 1], [96, 1],
];
const FINE_BLOCK = 10;

/** Read the weights, half-precision floats in the order of the layers, from a TFLite file. */
function readWeights(file) {
  const view = new DataView(file);
  const follow = (at) => at + view.getUint32(at, true);
  const field = (table, index) => {
    const layout = table - view.getInt32(table, true);
    const place = 4 + 2 * index;
    const offset = place < view.getUint16(layout, true) ? view.getUint16(layout + place, true) : 0;
    return offset ? follow(table + offset) : 0;
  };
  const buffers = field(follow(0), 4); // Model.buffers
  const weights = [];
  for (let i = 0; i < view.getUint32(buffers, true); i += 1) {
    const data = field(follow(buffers + 4 + 4 * i), 0); // Buffer.data
    const bytes = data ? view.getUint32(data, true) : 0;
    // A buffer of 32 bytes is a layer's padding. The last ones are texts about the converter.
    if (bytes && bytes !== 32 && weights.length < 2 * (1 + 2 * BLOCKS.length + 4)) {
      weights.push(
        Float32Array.from({ length: bytes / 2 }, (_, k) =>
          halfToNumber(view.getUint16(data + 4 + 2 * k, true))),
      );
    }
  }
  return weights;
}

function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}

/** The first layer: 5x5, stride 2, then ReLU. The layout of all layers: rows, columns, channels. */
function convolve(input, kernel, bias) {
  const side = SIDE / 2;
  const channels = bias.length;
  const output = new Float32Array(side * side * channels);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      for (let c = 0; c < channels; c += 1) {
        let sum = bias[c];
        for (let dy = 0; dy < 5; dy += 1) {
          const row = 2 * y + dy - 1;
          if (row < 0 || row >= SIDE) continue;
          for (let dx = 0; dx < 5; dx += 1) {
            const column = 2 * x + dx - 1;
            if (column < 0 || column >= SIDE) continue;
            const from = 3 * (row * SIDE + column);
            const weight = 3 * ((c * 5 + dy) * 5 + dx);
            sum += input[from] * kernel[weight] + input[from + 1] * kernel[weight + 1]
              + input[from + 2] * kernel[weight + 2];
          }
        }
        output[(y * side + x) * channels + c] = Math.max(0, sum);
      }
    }
  }
  return output;
}

/** 3x3 within each channel; with a stride of 2, the padding is at the end only. */
function convolveDepthwise(input, side, stride, kernel, bias) {
  const channels = bias.length;
  const outputSide = side / stride;
  const before = stride === 1 ? 1 : 0;
  const output = new Float32Array(outputSide * outputSide * channels);
  for (let y = 0; y < outputSide; y += 1) {
    for (let x = 0; x < outputSide; x += 1) {
      const to = (y * outputSide + x) * channels;
      output.set(bias, to);
      for (let dy = 0; dy < 3; dy += 1) {
        const row = stride * y + dy - before;
        if (row < 0 || row >= side) continue;
        for (let dx = 0; dx < 3; dx += 1) {
          const column = stride * x + dx - before;
          if (column < 0 || column >= side) continue;
          const from = (row * side + column) * channels;
          const weight = (dy * 3 + dx) * channels;
          for (let c = 0; c < channels; c += 1) {
            output[to + c] += input[from + c] * kernel[weight + c];
          }
        }
      }
    }
  }
  return output;
}

function convolvePointwise(input, kernel, bias) {
  const channels = bias.length;
  const inputs = kernel.length / channels;
  const output = new Float32Array((input.length / inputs) * channels);
  for (let from = 0, to = 0; from < input.length; from += inputs, to += channels) {
    for (let c = 0, weight = 0; c < channels; c += 1) {
      let sum = bias[c];
      for (let k = 0; k < inputs; k += 1, weight += 1) sum += input[from + k] * kernel[weight];
      output[to + c] = sum;
    }
  }
  return output;
}

/** Add the block's input to its output, pooled if the block halves the picture, and apply ReLU. */
function addShortcut(output, input, side, stride, inputs, channels) {
  const outputSide = side / stride;
  for (let y = 0; y < outputSide; y += 1) {
    for (let x = 0; x < outputSide; x += 1) {
      const to = (y * outputSide + x) * channels;
      for (let c = 0; c < inputs; c += 1) {
        let most = -Infinity;
        for (let dy = 0; dy < stride; dy += 1) {
          for (let dx = 0; dx < stride; dx += 1) {
            const from = (stride * y + dy) * side + stride * x + dx;
            most = Math.max(most, input[from * inputs + c]);
          }
        }
        output[to + c] += most;
      }
    }
  }
  for (let k = 0; k < output.length; k += 1) output[k] = Math.max(0, output[k]);
}

/** Return the scores and places of all anchors whose score is high enough, unsorted. */
function decode(scores, places, side, perCell) {
  const found = [];
  for (let k = 0; k < scores.length; k += 1) {
    const score = 1 / (1 + Math.exp(-scores[k]));
    if (score < MIN_SCORE) continue;
    const cell = Math.floor(k / perCell);
    const anchor = [((cell % side) + 0.5) / side, (Math.floor(cell / side) + 0.5) / side];
    const place = (i) => places[16 * k + i] / SIDE + anchor[i % 2];
    const [width, height] = [places[16 * k + 2] / SIDE, places[16 * k + 3] / SIDE];
    found.push({
      score,
      box: { x: place(0) - width / 2, y: place(1) - height / 2, width, height },
      // The subject's right one first.
      eyes: [{ x: place(4), y: place(5) }, { x: place(6), y: place(7) }],
    });
  }
  return found;
}

function overlap(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const common = Math.max(0, width) * Math.max(0, height);
  return common / (a.width * a.height + b.width * b.height - common);
}

function detect(weights, pixels) {
  let next = 0;
  const take = () => weights[next++];
  const input = new Float32Array(3 * SIDE * SIDE);
  for (let k = 0; k < SIDE * SIDE; k += 1) {
    for (let c = 0; c < 3; c += 1) input[3 * k + c] = pixels[4 * k + c] / 127.5 - 1;
  }
  let [side, channels] = [SIDE / 2, 24];
  let picture = convolve(input, take(), take());
  let fine;
  BLOCKS.forEach(([outputs, stride], block) => {
    const deep = convolveDepthwise(picture, side, stride, take(), take());
    const output = convolvePointwise(deep, take(), take());
    addShortcut(output, picture, side, stride, channels, outputs);
    [picture, side, channels] = [output, side / stride, outputs];
    if (block === FINE_BLOCK) fine = picture;
  });
  const fineScores = convolvePointwise(fine, take(), take());
  const coarseScores = convolvePointwise(picture, take(), take());
  const finePlaces = convolvePointwise(fine, take(), take());
  const coarsePlaces = convolvePointwise(picture, take(), take());
  const found = [
    ...decode(fineScores, finePlaces, SIDE / 8, 2),
    ...decode(coarseScores, coarsePlaces, SIDE / 16, 6),
  ].sort((a, b) => b.score - a.score);
  const faces = [];
  for (const one of found) {
    if (faces.every((face) => overlap(face.box, one.box) < MAX_OVERLAP)) faces.push(one);
  }
  return faces;
}

/** Measure the luma (Rec. 601) within a box, and around it. */
function measureLight(pixels, box) {
  const within = (share, from, size) => SIDE * from <= share && share < SIDE * (from + size);
  const [inside, outside] = [{ sum: 0, count: 0 }, { sum: 0, count: 0 }];
  let white = 0;
  for (let y = 0; y < SIDE; y += 1) {
    for (let x = 0; x < SIDE; x += 1) {
      const k = 4 * (y * SIDE + x);
      if (!pixels[k + 3]) continue;
      const luma = 0.299 * pixels[k] + 0.587 * pixels[k + 1] + 0.114 * pixels[k + 2];
      const isInside = within(x, box.x, box.width) && within(y, box.y, box.height);
      const part = isInside ? inside : outside;
      part.sum += luma;
      part.count += 1;
      white += isInside && luma >= WHITE_LEVEL;
    }
  }
  const mean = ({ sum, count }) => (count ? sum / count : 0);
  return {
    grey: mean(inside), clipped: white / Math.max(1, inside.count), around: mean(outside),
  };
}

const ready = fetch("face_detection_short_range.tflite")
  .then((answer) => {
    if (!answer.ok) throw new Error(`the face detector's weights: ${answer.status}`);
    return answer.arrayBuffer();
  })
  .then(readWeights);

self.onmessage = async ({ data: { pixels } }) => {
  const faces = detect(await ready, pixels);
  const light = faces.length ? measureLight(pixels, faces[0].box) : {};
  self.postMessage({ faces, ...light });
};
