import { EyeTrackingClient, EyeTrackingError, pause } from "./client.js";
import { API, CONSENT, NEEDS_KEY, NEEDS_TOKEN } from "./config.js";
import { PAUSE_S, READY_S, TASKS } from "./task.js";
import { TEXTS } from "./texts.js";

// Limits of the analysis (tracker/measures/obstacles.py), with a margin, because these are estimates.
const MIN_EYE_PX = 36; // canthus to canthus; the analysis refuses less than 24
const EYE_OVER_EYE_DISTANCE = 0.4; // canthus to canthus, as a share of the distance between the eyes
const DARK_GREY_LEVEL = 60;
const MAX_FACE_SHARE = 0.8; // of the picture's width or height
const MAX_OFF_CENTRE = 0.2; // of the picture's width or height
const MIN_OTHER_FACE_SHARE = 0.5; // of the first one's width

const DETECTOR_SIDE_PX = 128;
const HINT_INTERVAL_MS = 300;
const BITS_PER_SECOND = 8_000_000;
const RECORDED_TYPES = [
  "video/mp4;codecs=avc1.640028", "video/mp4;codecs=avc1.42E01F", "video/webm;codecs=vp9",
  "video/webm;codecs=vp8", "video/mp4", "video/webm",
];
const UPLOAD_TYPES = [ // handler/requests.py
  "video/mp4", "video/quicktime", "video/webm", "video/x-matroska", "video/x-msvideo", "video/3gpp",
];
const MAX_UPLOAD_BYTES = 2 * 2 ** 30;
const POLL_MS = 2000;
const DELETE_ATTEMPTS = 5;
const REPORT_REFRESH_MS = 10 * 60 * 1000; // its address is valid for 15 minutes
const USER_ID = /^[^\p{Cc}\p{Cs}]{1,128}$/u;

const $ = (id) => document.getElementById(id);
let language = navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
let task = "up_down"; // which of TASKS is recorded
let video; // {blob, type, task, protocol}: the video to send
let sent; // id of the analysis that runs
let shown = "start";
let stopping; // AbortController of the current task
let leaveResult = () => {};

// Texts

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const say = (name, values = {}) => fill(TEXTS[language][name], values);
const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);
const partSeconds = ([, prompts]) => sum(prompts.map(([, seconds]) => seconds));
const taskSeconds = (parts) => sum(parts.map(partSeconds)) + PAUSE_S * (parts.length - 1);
const minutes = (parts) => (taskSeconds(parts) / 60)
  .toLocaleString(language, { maximumFractionDigits: 1 });
const announce = (text) => { $("status").textContent = text; };
const megabytes = (bytes) => (bytes / 1e6).toLocaleString(language, { maximumFractionDigits: 1 });

// Texts that the program shows. They are written again if the language changes.
const written = new Map();

function write(id, name, values = {}) {
  written.set(id, [name, values]);
  $(id).textContent = name ? say(name, values) : "";
}

function translate(to) {
  language = to;
  document.documentElement.lang = language;
  document.title = say("title");
  for (const one of document.querySelectorAll("[data-text]")) {
    one.textContent = say(one.dataset.text, { minutes: minutes(TASKS.extended) });
  }
  writeTask();
  $("consent-text").textContent = CONSENT ? CONSENT.text[language] : "";
  for (const [id, [name, values]] of written) write(id, name, values);
  if (video && shown === "review") describe();
  for (const [id, code] of [["english", "en"], ["korean", "ko"]]) {
    $(id).setAttribute("aria-pressed", String(language === code));
  }
}

/** Write what the chosen task asks for. */
function writeTask() {
  const parts = TASKS[task];
  const seconds = Object.fromEntries(parts.flatMap(([, prompts]) => prompts));
  write("note-task", `noteTask_${task}`, {
    ...seconds, ready: READY_S, minutes: minutes(parts), parts: parts.length,
  });
  write("note-tones", `noteTones_${task}`);
}

// Screens

function show(name) {
  leaveResult();
  leaveResult = () => {};
  shown = name;
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = section.id !== name;
  }
  document.querySelector(`#${name} h2`).focus();
  window.scrollTo(0, 0);
}

class Failure extends Error {
  constructor(text, detail = "") {
    super(text);
    this.text = text;
    this.detail = detail;
  }
}

function fail(error, retry) {
  const known = error instanceof Failure ? error : new Failure("failedRefused", String(error));
  write("failed-text", known.text);
  $("failed-detail").textContent = known.detail;
  $("retry").hidden = !retry;
  $("retry").onclick = retry;
  show("failed");
  announce(`${say("failedTitle")} ${say(known.text)}`);
}

function start() {
  video = undefined;
  sent = undefined;
  forgetPlayback();
  show("start");
}

/** Return whether the input is valid; if it is not, say why. */
function isEntered() {
  const code = $("participant").value.trim();
  const good = code === "" || USER_ID.test(code);
  write("participant-error", good ? "" : "participantWrong");
  $("participant").setAttribute("aria-invalid", String(!good));
  if (!good) $("participant").focus();
  const agreed = !CONSENT || $("consent").checked;
  write("consent-error", agreed ? "" : "consentMissing");
  if (good && !agreed) $("consent").focus();
  return good && agreed;
}

// The camera

let stream;
let hinting;

async function openCamera() {
  if (!isEntered()) return;
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) {
    fail(new Failure("cameraInsecure"));
    return;
  }
  $("record").disabled = true;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: {
        facingMode: "user",
        width: { ideal: 1280 },
        height: { ideal: 720 },
        // Fast movements are seen better at 60.
        frameRate: { ideal: task === "extended" ? 60 : 30 },
      },
    });
  } catch (error) {
    const texts = { NotAllowedError: "cameraDenied", NotFoundError: "cameraMissing" };
    fail(new Failure(texts[error.name] ?? "cameraBusy"), openCamera);
    return;
  } finally {
    $("record").disabled = false;
  }
  stream.getVideoTracks()[0].addEventListener("ended", () => {
    if (stream) leaveCamera(new Failure("cameraLost"));
  });
  $("preview").srcObject = stream;
  showPosition();
  show("camera");
  hinting = startHints();
  // Ask early: the browser only knows its voices some time after the first request.
  window.speechSynthesis?.getVoices();
  // Playing fails if the user has already left the camera's screen.
  await $("preview").play().catch(() => {});
}

function showPosition() {
  document.body.classList.remove("recording");
  $("prompt").hidden = true;
  $("camera-actions").hidden = false;
  $("camera-notes").hidden = false;
  $("recording-actions").hidden = true;
}

function closeCamera() {
  hinting?.();
  hinting = undefined;
  const open = stream;
  stream = undefined;
  open?.getTracks().forEach((track) => track.stop());
  $("preview").srcObject = null;
  showPosition();
}

function leaveCamera(failure) {
  stopping?.abort(failure);
  closeCamera();
  if (failure) fail(failure, openCamera);
  else start();
}

/** While the camera is open, show hints on the place of the face. Return a function that stops it. */
function startHints() {
  const worker = new Worker("face.js");
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = DETECTOR_SIDE_PX;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const preview = $("preview");
  let timer;
  let before = "";
  const look = () => {
    const { videoWidth: width, videoHeight: height } = preview;
    if (!width) {
      timer = setTimeout(look, HINT_INTERVAL_MS);
      return;
    }
    const scale = DETECTOR_SIDE_PX / Math.max(width, height);
    const [w, h] = [scale * width, scale * height];
    context.drawImage(preview, (DETECTOR_SIDE_PX - w) / 2, (DETECTOR_SIDE_PX - h) / 2, w, h);
    const { data } = context.getImageData(0, 0, DETECTOR_SIDE_PX, DETECTOR_SIDE_PX);
    worker.postMessage({ pixels: data }, [data.buffer]);
  };
  worker.onmessage = ({ data }) => {
    const hint = judge(data, preview.videoWidth, preview.videoHeight);
    // Show a hint only if two looks agree: it would flicker, and a screen reader would never end.
    if (hint === before && written.get("hint")?.[0] !== hint) showHint(hint);
    before = hint;
    timer = setTimeout(look, HINT_INTERVAL_MS);
  };
  worker.onerror = () => showHint("hintUnknown");
  showHint("");
  look();
  return () => {
    clearTimeout(timer);
    worker.terminate();
    showHint("");
  };
}

function showHint(name) {
  write("hint", name);
  $("hint").className = `hint ${{ hintGood: "good", hintUnknown: "", "": "" }[name] ?? "bad"}`;
}

function judge({ faces, grey }, width, height) {
  if (!faces.length) return "hintNoFace";
  const [face, other] = faces;
  if (other && other.box.width > MIN_OTHER_FACE_SHARE * face.box.width) return "hintSeveralFaces";
  // Convert shares of a square around the picture to pixels.
  const side = Math.max(width, height);
  const [right, left] = face.eyes;
  const eyesPx = side * Math.hypot(left.x - right.x, left.y - right.y);
  if (EYE_OVER_EYE_DISTANCE * eyesPx < MIN_EYE_PX) return "hintTooFar";
  const { box } = face;
  if (box.width * side > MAX_FACE_SHARE * width || box.height * side > MAX_FACE_SHARE * height) {
    return "hintTooNear";
  }
  const offX = Math.abs(box.x + box.width / 2 - 0.5) * side / width;
  const offY = Math.abs(box.y + box.height / 2 - 0.5) * side / height;
  if (Math.max(offX, offY) > MAX_OFF_CENTRE) return "hintOffCentre";
  return grey < DARK_GREY_LEVEL ? "hintTooDark" : "hintGood";
}

// The guided recording

let audio;

function tone(...notes) {
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
function speak(text) {
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
async function prompt(name, seconds, signal, text = name) {
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

async function record() {
  const controller = stopping = new AbortController();
  const { signal } = controller;
  const onHidden = () => {
    if (document.hidden) leaveCamera(new Failure("pageHidden"));
  };
  document.addEventListener("visibilitychange", onHidden);
  document.body.classList.add("recording");
  $("camera-actions").hidden = true;
  $("camera-notes").hidden = true;
  $("recording-actions").hidden = false;
  $("prompt").hidden = false;
  $("stop").focus();
  if ($("sound").checked && window.AudioContext) {
    audio ??= new AudioContext();
    audio.resume();
  } else {
    audio = undefined;
  }
  const mimeType = RECORDED_TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: BITS_PER_SECOND });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.onerror = () => leaveCamera(new Failure("cameraLost"));
  const ended = new Promise((resolve) => { recorder.onstop = resolve; });
  let ticking;
  $("task-bar").value = 0;
  write("task-progress", "");
  try {
    await prompt("ready", READY_S, signal);
    recorder.start();
    // Times of a protocol count from the video's beginning, which is this call. The recorder's event
    // onstart comes up to a second later, when its encoder is ready.
    const begunMs = performance.now();
    const capturedAt = new Date().toISOString();
    const protocol = [];
    const taskParts = TASKS[task];
    $("task-bar").max = taskSeconds(taskParts);
    ticking = setInterval(() => {
      $("task-bar").value = (performance.now() - begunMs) / 1000;
    }, 500);
    for (const [index, [name, prompts]] of taskParts.entries()) {
      const progress = { part: index + 1, parts: taskParts.length };
      write("task-progress", taskParts.length > 1 ? "partOf" : "", progress);
      // The recording goes on during a pause, so that all times stay on one clock.
      if (index) await prompt("pause", PAUSE_S, signal, `next_${name}`);
      for (const [phase, seconds] of prompts) {
        const start = protocol.length ? (performance.now() - begunMs) / 1000 : 0;
        await prompt(phase, seconds, signal);
        const end = (performance.now() - begunMs) / 1000;
        protocol.push({ phase, start_s: round(start), end_s: round(end) });
      }
    }
    recorder.stop();
    await ended;
    tone([880, 0.12], [0, 0.08], [880, 0.12]);
    speak(say("done"));
    const type = recorder.mimeType.split(";")[0];
    video = {
      blob: new Blob(parts, { type }),
      type,
      capturedAt,
      task,
      protocol,
      seconds: Math.round(protocol.at(-1).end_s),
    };
    closeCamera();
    review();
  } catch (error) {
    recorder.ondataavailable = null;
    if (recorder.state !== "inactive") recorder.stop();
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(ticking);
    document.removeEventListener("visibilitychange", onHidden);
  }
}

const round = (seconds) => Math.round(1000 * seconds) / 1000;

function stopRecording() {
  stopping.abort();
  window.speechSynthesis?.cancel();
  showPosition();
  $("begin").focus();
}

// The video to send

function chooseFile() {
  const [file] = $("file").files;
  $("file").value = "";
  if (!file) return;
  if (file.size > MAX_UPLOAD_BYTES) {
    fail(new Failure("tooLarge"));
    return;
  }
  // The service detects the kind from the content, but the form's type must be one that it accepts.
  const type = UPLOAD_TYPES.includes(file.type) ? file.type : UPLOAD_TYPES[0];
  video = { blob: file, type, name: file.name, task };
  review();
}

function forgetPlayback() {
  const playback = $("playback");
  if (playback.src) URL.revokeObjectURL(playback.src);
  playback.removeAttribute("src");
}

function describe() {
  const size = megabytes(video.blob.size);
  if (video.protocol) write("review-text", "reviewRecorded", { size, seconds: video.seconds });
  else write("review-text", "reviewChosen", { size, name: video.name });
}

function review() {
  forgetPlayback();
  $("playback").src = URL.createObjectURL(video.blob);
  describe();
  show("review");
}

// The service

const client = new EyeTrackingClient({
  address: API,
  getKey: NEEDS_KEY ? () => $("key").value : undefined,
  getToken: NEEDS_TOKEN ? () => $("token").value.trim() : undefined,
});

/** Return what to show of an error. */
function explain(error) {
  if (!(error instanceof EyeTrackingError)) return error;
  const texts = {
    network: "failedNetwork",
    unauthorized: NEEDS_TOKEN ? "failedToken" : "failedRefused",
    forbidden: NEEDS_KEY ? "failedKey" : "failedRefused",
    busy: "failedBusy",
    refused: "failedRefused",
    upload: "failedUpload",
    analysis: "failedAnalysis",
  };
  return new Failure(texts[error.reason], error.message);
}

/** Return the parameters that say what the person was asked to do. */
function describeTask() {
  if (video.protocol) return { task: video.task, protocol: video.protocol };
  // The service assumes the short task of a video that was chosen, and says so.
  return video.task === "extended" ? { task: "extended" } : {};
}

async function send() {
  if (!isEntered()) {
    show("start");
    return;
  }
  const controller = stopping = new AbortController();
  const { signal } = controller;
  const asked = language;
  const size = megabytes(video.blob.size);
  const showUpload = (share) => {
    const percent = Math.round(100 * share);
    $("bar").value = percent;
    write("working-text", "uploadingText", { percent, size });
  };
  write("working-title", "uploading");
  showUpload(0);
  show("working");
  announce(say("announceStart"));
  try {
    const offer = await client.createUpload({
      // With a token, the token says who it is.
      ...(NEEDS_TOKEN ? {} : { user_id: $("participant").value.trim() }),
      ...(video.name ? { file_name: video.name } : {}),
      ...(video.capturedAt ? { captured_at: video.capturedAt } : {}),
      ...(CONSENT ? { consent: CONSENT.version } : {}),
      content_type: video.type,
      parameters: describeTask(),
      report: true,
      lang: asked,
    }, signal);
    sent = offer.analysis_id;
    await client.upload(offer, video.blob, showUpload, signal);
    await follow(offer.analysis_id, asked, signal);
  } catch (error) {
    if (signal.aborted) return;
    fail(explain(error), send);
  }
}

async function follow(id, asked, signal) {
  let state = "";
  const onStatus = (told) => {
    if (told.status !== state) announce(say(told.status));
    state = told.status;
    write("working-title", state);
    if (told.progress_percent) {
      $("bar").value = told.progress_percent;
      write("working-text", "processingText", { percent: told.progress_percent });
    } else {
      $("bar").removeAttribute("value");
      write("working-text", "workingText");
    }
  };
  let told;
  try {
    told = await client.waitFor(id, { onStatus, intervalMs: POLL_MS, signal });
  } catch (error) {
    if (!(error instanceof EyeTrackingError && error.isPassing)) throw error;
    // The video has arrived, so it need not be sent again.
    fail(explain(error), () => followAgain(id, asked));
    return;
  }
  showResult(told, asked);
}

async function followAgain(id, asked) {
  const { signal } = stopping = new AbortController();
  show("working");
  try {
    await follow(id, asked, signal);
  } catch (error) {
    if (!signal.aborted) fail(explain(error), () => followAgain(id, asked));
  }
}

/** Stop, and have what was sent deleted. */
async function cancel() {
  stopping.abort();
  announce(say("cancelled"));
  review();
  if (!sent) return;
  const { signal } = new AbortController();
  const id = sent;
  sent = undefined;
  for (let attempt = 0; attempt < DELETE_ATTEMPTS; attempt += 1) {
    try {
      await client.deleteAnalysis(id, signal);
      announce(say("deleted"));
      return;
    } catch {
      await pause(POLL_MS, signal);
    }
  }
  announce(say("notDeleted"));
  write("review-text", "notDeleted");
}

/** Show the patient what to do. The assessment is in the report, which the clinician opens. */
function showResult(told, asked) {
  forgetPlayback();
  // Use the language of the request; the page's language may have changed since.
  $("message").textContent = told.patient_message ?? told.summary.assessment.patient_message;
  $("message").lang = told.patient_message ? asked : "en";
  $("analysis-id").textContent = told.analysis_id;
  showReport(told.report_url);
  show("result");
  announce(say("resultTitle"));
  const controller = new AbortController();
  const timer = setInterval(async () => {
    try {
      const again = await client.getStatus(told.analysis_id, controller.signal);
      showReport(again.report_url);
    } catch {
      // Try the old address.
    }
  }, REPORT_REFRESH_MS);
  leaveResult = () => {
    clearInterval(timer);
    controller.abort();
  };
}

function showReport(url) {
  // Only a web address may become a link.
  const good = url && ["https:", "http:"].includes(new URL(url).protocol);
  $("report").hidden = !good;
  if (good) $("report").href = url;
  write("clinician-text", good ? "reportText" : "noReport");
}

// Beginning

$("english").onclick = () => translate("en");
$("korean").onclick = () => translate("ko");
for (const one of document.querySelectorAll("input[name=task]")) {
  one.onchange = () => { task = one.value; writeTask(); };
  // A browser may keep what was chosen when the page is loaded again.
  one.checked = one.value === task;
}
$("record").onclick = openCamera;
$("choose").onclick = () => { if (isEntered()) $("file").click(); };
$("file").onchange = chooseFile;
$("begin").onclick = record;
$("leave-camera").onclick = () => leaveCamera();
$("stop").onclick = stopRecording;
$("send").onclick = send;
$("discard").onclick = start;
$("cancel").onclick = cancel;
$("restart").onclick = start;
$("again").onclick = start;
$("key-field").hidden = !NEEDS_KEY;
$("token-field").hidden = !NEEDS_TOKEN;
$("participant-field").hidden = NEEDS_TOKEN;
$("consent-field").hidden = !CONSENT;
window.addEventListener("beforeunload", (event) => {
  if (shown === "review" || shown === "working") event.preventDefault();
});
translate(language);
start();
