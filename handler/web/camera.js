/* The camera's screen: the hint on the place of the face, the practice run, and the recording. */
import { $, fail, Failure, show, stayAwake, write, writtenIn } from "./page.js";
import { judgeLight, judgePlace, watch } from "./look.js";
import { PRACTICE_S, practise } from "./practice.js";
import { openSound, prompt, recordTask, stopVoice } from "./recording.js";

let stream;
let task;
let handOver; // takes the video, or nothing if the user leaves
let stopWatching;
let looks = () => {}; // gets what is found in each look
let stopping; // AbortController of what runs
let isOpening = false;

/** Open the camera. `onEnd` gets the recorded video, or nothing if the user goes back. */
export async function openCamera(wantedTask, onEnd) {
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) {
    fail(new Failure("cameraInsecure"));
    return;
  }
  // A second camera would stay on when the first one is closed.
  if (isOpening) return;
  const again = () => openCamera(wantedTask, onEnd);
  [task, handOver] = [wantedTask, onEnd];
  const video = {
    facingMode: "user",
    width: { ideal: 1280 },
    height: { ideal: 720 },
    // Fast movements are seen better at 60.
    frameRate: { ideal: task === "extended" ? 60 : 30 },
  };
  isOpening = true;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: false, video });
  } catch (error) {
    const texts = { NotAllowedError: "cameraDenied", NotFoundError: "cameraMissing" };
    fail(new Failure(texts[error.name] ?? "cameraBusy"), again);
    return;
  } finally {
    isOpening = false;
  }
  stream.getVideoTracks()[0].addEventListener("ended", () => {
    if (stream) stopWith(new Failure("cameraLost"));
  });
  $("preview").srcObject = stream;
  setStage("place");
  writeAdvice();
  show("camera");
  startHints();
  // Ask early: the browser only knows its voices some time after the first request.
  window.speechSynthesis?.getVoices();
  // Playing fails if the user has already left the camera's screen.
  await $("preview").play().catch(() => {});
}

/** Show what belongs to finding a place, to the practice run or to the recording. */
function setStage(stage) {
  document.body.classList.toggle("recording", stage === "record");
  $("prompt").hidden = stage === "place";
  $("camera-actions").hidden = stage !== "place";
  $("camera-notes").hidden = stage !== "place";
  $("recording-actions").hidden = stage === "place";
  $("task-bar").hidden = stage !== "record";
  if (stage !== "place") $("advice").hidden = true;
}

function close() {
  stopWatching?.();
  stopWatching = undefined;
  const open = stream;
  stream = undefined;
  open?.getTracks().forEach((track) => track.stop());
  $("preview").srcObject = null;
  setStage("place");
}

function stopWith(failure) {
  stopping?.abort(failure);
  close();
  const [again, onEnd] = [task, handOver];
  fail(failure, () => openCamera(again, onEnd));
}

function leave() {
  stopping?.abort();
  close();
  handOver();
}

function startHints() {
  const preview = $("preview");
  let before = "";
  showHint("");
  stopWatching = watch(preview, (found) => {
    if (!found) {
      showHint("hintUnknown");
      return;
    }
    const { videoWidth: width, videoHeight: height } = preview;
    const hint = judgePlace(found, width, height) || judgeLight(found) || "hintGood";
    // Show a hint only if two looks agree: it would flicker, and a screen reader would never end.
    if (hint === before && writtenIn("hint") !== hint) showHint(hint);
    before = hint;
    looks(found);
  });
}

function showHint(name) {
  write("hint", name);
  $("hint").className = `hint ${{ hintGood: "good", hintUnknown: "", "": "" }[name] ?? "bad"}`;
}

/** Run work that the button "stop" and a hidden page end. Return its result, or undefined. */
async function runStoppably(stage, work) {
  const controller = stopping = new AbortController();
  const onHidden = () => {
    if (document.hidden) stopWith(new Failure("pageHidden"));
  };
  document.addEventListener("visibilitychange", onHidden);
  setStage(stage);
  openSound($("sound").checked);
  $("stop").focus();
  // Nobody touches the screen meanwhile; a phone that locks it hides the page.
  const letSleep = stayAwake();
  try {
    return await work(controller.signal);
  } finally {
    letSleep();
    document.removeEventListener("visibilitychange", onHidden);
  }
}

async function record() {
  const lost = () => stopWith(new Failure("cameraLost"));
  const video = await runStoppably(
    "record", (signal) => recordTask(stream, task, signal, lost),
  ).catch(lost);
  if (!video) return;
  if (!video.blob.size) {
    lost();
    return;
  }
  close();
  handOver(video);
}

function stop() {
  stopping.abort();
  stopVoice();
  setStage("place");
  $("begin").focus();
}

/** Look for some seconds, without recording, and say what to change. */
async function practiseOnce() {
  const advice = await runStoppably("practice", async (signal) => {
    write("task-progress", "practiceNote");
    const run = practise($("preview"));
    looks = run.look;
    try {
      await prompt("fixate", PRACTICE_S, signal);
      return run.judge();
    } catch (error) {
      if (!signal.aborted) throw error;
      return undefined;
    } finally {
      looks = () => {};
    }
  });
  if (!advice) return;
  setStage("place");
  writeAdvice(advice);
  $("advice-title").focus();
}

/** Write what the practice run found; nothing before there was one. */
function writeAdvice(advice) {
  $("advice").hidden = !advice;
  write("advice-title", advice?.title ?? "");
  for (const part of ["light", "distance", "eyes"]) {
    const line = advice?.lines.find((one) => one.part === part);
    write(`advice-${part}`, line?.text ?? "");
    $(`advice-${part}`).className = line?.good ? "good" : "bad";
  }
  write("practise", advice ? "practiseAgain" : "practise");
  // What to press next stands out.
  const isReady = Boolean(advice) && advice.title !== "practiceBad";
  $("practise").classList.toggle("main", !isReady);
  $("begin").classList.toggle("main", isReady);
}

$("begin").onclick = record;
$("practise").onclick = practiseOnce;
$("leave-camera").onclick = leave;
$("stop").onclick = stop;
