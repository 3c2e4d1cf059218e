/* The guided recording: prompts that are seen and heard, and the video that is made of it. */
import { pause } from "./client.js";
import { $, language, say, taskSeconds, write } from "./page.js";
import { PAUSE_S, READY_S, TASKS } from "./task.js";

const BITS_PER_SECOND = 8_000_000;
const TYPES = [
  "video/mp4;codecs=avc1.640028", "video/mp4;codecs=avc1.42E01F", "video/webm;codecs=vp9",
  "video/webm;codecs=vp8", "video/mp4", "video/webm",
];

let audio;

/** Allow or forbid tones and voice. A browser allows them only after its user has pressed a button. */
export function openSound(wanted) {
  if (wanted && window.AudioContext) {
    audio ??= new AudioContext();
    audio.resume();
  } else {
    audio = undefined;
  }
}

export const stopVoice = () => window.speechSynthesis?.cancel();

export function tone(...notes) {
  if (!audio) return;
  let at = audio.currentTime;
  for (const [hz, seconds] of notes) {
    const [oscillator, gain] = [audio.createOscillator(), audio.createGain()];
    oscillator.frequency.setValueAtTime(hz, at);
    // Without a slope, a tone begins and ends with a click.
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.3, at + 0.02);
    gain.gain.setValueAtTime(0.3, at + seconds - 0.02);
    gain.gain.linearRampToValueAtTime(0, at + seconds);
    oscillator.connect(gain).connect(audio.destination);
    oscillator.start(at);
    oscillator.stop(at + seconds);
    at += seconds;
  }
}

/** Speak with a voice of this device, because other voices send the text to a server. */
export function speak(text) {
  if (!audio || !window.speechSynthesis) return;
  const voice = speechSynthesis.getVoices()
    .find((one) => one.localService && one.lang.toLowerCase().startsWith(language));
  if (!voice) return;
  const words = new SpeechSynthesisUtterance(text);
  words.voice = voice;
  words.lang = voice.lang;
  speechSynthesis.cancel();
  speechSynthesis.speak(words);
}

const CUES = {
  up: { arrow: "↑", tones: [[520, 0.2], [780, 0.2], [1040, 0.25]] },
  down: { arrow: "↓", tones: [[780, 0.2], [520, 0.2], [350, 0.25]] },
  // The preview is a mirror: the left of the person is the left of the screen.
  left: { arrow: "←", tones: [[300, 0.4]] },
  right: { arrow: "→", tones: [[1000, 0.4]] },
  fixate: { arrow: "●", tones: [[660, 0.15]] },
  rest: { arrow: "", tones: [[440, 0.8]] },
  pause: { arrow: "", tones: [] },
  ready: { arrow: "", tones: [] },
};

/** Show an instruction, count its seconds down, and return when they are over. */
export async function prompt(name, seconds, signal, text = name) {
  const end = performance.now() + 1000 * seconds;
  $("prompt").className = `prompt ${name}`;
  $("arrow").textContent = CUES[name].arrow;
  write("prompt-text", text);
  tone(...CUES[name].tones);
  speak(say(text));
  for (;;) {
    const left = end - performance.now();
    if (left <= 0) return;
    $("seconds").textContent = Math.ceil(left / 1000);
    await pause(Math.min(left, left % 1000 || 1000), signal);
  }
}

const round = (seconds) => Math.round(1000 * seconds) / 1000;

/** Lead through a task. Return its protocol: what was asked, and when, in seconds from now. */
async function lead(parts, begunMs, signal) {
  const protocol = [];
  for (const [index, [name, prompts]] of parts.entries()) {
    const progress = { part: index + 1, parts: parts.length };
    write("task-progress", parts.length > 1 ? "partOf" : "", progress);
    // The recording goes on during a pause, so that all times stay on one clock.
    if (index) await prompt("pause", PAUSE_S, signal, `next_${name}`);
    for (const [phase, seconds] of prompts) {
      const start = protocol.length ? (performance.now() - begunMs) / 1000 : 0;
      await prompt(phase, seconds, signal);
      const end = (performance.now() - begunMs) / 1000;
      protocol.push({ phase, start_s: round(start), end_s: round(end) });
    }
  }
  return protocol;
}

/** Record a task from the camera's stream.
 *
 * Returns the video with its protocol, or undefined if the signal aborts. `onLost` is called if the
 * recorder fails.
 */
export async function recordTask(stream, task, signal, onLost) {
  const parts = TASKS[task];
  const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: BITS_PER_SECOND });
  const data = [];
  recorder.ondataavailable = (event) => data.push(event.data);
  recorder.onerror = onLost;
  const ended = new Promise((resolve) => { recorder.onstop = resolve; });
  let ticking;
  $("task-bar").value = 0;
  $("task-bar").max = taskSeconds(parts);
  write("task-progress", "");
  try {
    await prompt("ready", READY_S, signal);
    recorder.start();
    // Times of a protocol count from the video's beginning, which is this call. The recorder's event
    // onstart comes up to a second later, when its encoder is ready.
    const begunMs = performance.now();
    const capturedAt = new Date().toISOString();
    ticking = setInterval(() => {
      $("task-bar").value = (performance.now() - begunMs) / 1000;
    }, 500);
    const protocol = await lead(parts, begunMs, signal);
    recorder.stop();
    await ended;
    tone([880, 0.12], [0, 0.08], [880, 0.12]);
    speak(say("done"));
    const type = recorder.mimeType.split(";")[0];
    const seconds = Math.round(protocol.at(-1).end_s);
    return { blob: new Blob(data, { type }), type, capturedAt, task, protocol, seconds };
  } catch (error) {
    recorder.ondataavailable = null;
    if (recorder.state !== "inactive") recorder.stop();
    if (!signal.aborted) throw error;
    return undefined;
  } finally {
    clearInterval(ticking);
  }
}
