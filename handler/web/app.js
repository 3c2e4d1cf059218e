/* The way of a person through the page: consent, recording, review, sending, result. */
import { openCamera } from "./camera.js";
import { CONSENT, NEEDS_KEY, NEEDS_TOKEN } from "./config.js";
import { findKind } from "./kind.js";
import {
  $, announce, chooseLanguage, dayAndTime, fail, Failure, language, megabytes, minutes, say, show,
  shown, stayAwake, translate, write,
} from "./page.js";
import {
  deletePending, deliver, explain, findMissingAccess, getStatus, isFinal, mayWorkLater, withdraw,
} from "./sending.js";
import { forget, isOver, keep, recall, recollect, remember } from "./storage.js";
import { READY_S, TASKS } from "./task.js";

const UPLOAD_TYPES = [ // the videos in handler/requests.py
  "video/mp4", "video/x-m4v", "video/quicktime", "video/3gpp", "video/3gpp2",
  "video/webm", "video/x-matroska", "video/matroska",
  "video/x-msvideo", "video/vnd.avi", "video/avi",
  "video/mpeg", "video/mp2t", "video/x-ms-wmv", "video/x-ms-asf",
];
const MAX_UPLOAD_BYTES = 2 * 2 ** 30;
const REPORT_REFRESH_MS = 10 * 60 * 1000; // its address is valid for 15 minutes
const AGE_CHECK_MS = 60 * 1000;
const OTHER_TAB_MS = 1500; // a page that is loaded again holds its lock a little longer
const USER_ID = /^[^\p{Cc}\p{Cs}]{1,128}$/u;
const RESULT = "result"; // remembered until the tab is closed: what is shown

let task = "up_down"; // which of TASKS is recorded
let video; // the video to send: {blob, type, task, protocol, participant, consent, madeMs, …}
let isKept; // whether the page finds it again if it is closed now; undefined: not known yet
let stopping; // AbortController of the sending

// Texts that follow from what is chosen

/** Write what `translate` does not. */
function writeChosen() {
  writeTask();
  $("consent-text").textContent = CONSENT ? CONSENT.text[language] : "";
}

function speakIn(to) {
  chooseLanguage(to);
  writeChosen();
}

function setLarger(isLarger) {
  document.documentElement.classList.toggle("larger", isLarger);
  $("larger").setAttribute("aria-pressed", String(isLarger));
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

/** Put the fields of the key and the token on the screen that asks for them. */
function askAccessOn(screen) {
  $(`${screen}-access`).append($("access"));
  showMissing("");
}

/** Say which of the key and the token is missing, or "" for none. */
function showMissing(missing) {
  write("access-error", missing && `${missing}Wrong`);
  for (const name of ["key", "token"]) {
    $(name).setAttribute("aria-invalid", String(name === missing));
  }
}

// The start

function start() {
  video = undefined;
  remember(RESULT, undefined);
  forgetPlayback();
  // The next person has a code or a token of their own, and agrees for themselves.
  $("participant").value = "";
  $("token").value = "";
  $("consent").checked = false;
  askAccessOn("start");
  write("start-note", "");
  show("start");
}

/** Go back without a recording: what was entered stays. */
function goBack() {
  askAccessOn("start");
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
  $("consent").setAttribute("aria-invalid", String(!agreed));
  if (good && !agreed) $("consent").focus();
  return good && agreed;
}

/** Return what was entered, which belongs to the next recording. */
const readEntered = () => ({
  participant: $("participant").value.trim(),
  ...(CONSENT ? { consent: CONSENT.version } : {}),
});

async function record(entered) {
  $("record").disabled = true;
  try {
    await openCamera(task, (recorded) => {
      if (recorded) take({ ...recorded, ...entered });
      else goBack();
    });
  } finally {
    $("record").disabled = false;
  }
}

// The video to send

async function chooseFile() {
  const [file] = $("file").files;
  $("file").value = "";
  if (!file || !isEntered()) return;
  const refuse = (text) => fail(new Failure(text), () => $("file").click(), "chooseOther");
  let kind;
  try {
    kind = await findKind(file);
  } catch {
    refuse("kind_unread");
    return;
  }
  if (kind !== "video") {
    refuse(`kind_${kind}`);
    return;
  }
  if (file.size > MAX_UPLOAD_BYTES) {
    refuse("tooLarge");
    return;
  }
  // The service detects the kind from the content, but the form's type must be one that it accepts.
  const type = UPLOAD_TYPES.includes(file.type) ? file.type : UPLOAD_TYPES[0];
  take({ blob: file, type, name: file.name, task, ...readEntered() });
}

/** Take a new video, and keep it on this device until it is sent. */
async function take(taken) {
  video = { ...taken, madeMs: Date.now() };
  // The code belongs to this recording now; the next one may be of somebody else.
  $("participant").value = "";
  $("consent").checked = false;
  await keepAndReview();
}

async function keepAndReview() {
  const kept = video;
  isKept = undefined;
  review();
  const isWritten = await keep(kept);
  if (video !== kept) return; // it was deleted meanwhile
  isKept = isWritten;
  showKept();
}

function forgetPlayback() {
  const playback = $("playback");
  if (playback.src) URL.revokeObjectURL(playback.src);
  playback.removeAttribute("src");
}

function review() {
  forgetPlayback();
  $("playback").src = URL.createObjectURL(video.blob);
  const { participant, seconds, name, protocol } = video;
  const size = () => megabytes(video?.blob?.size ?? 0);
  write("review-text", protocol ? "reviewRecorded" : "reviewChosen", { size, seconds, name });
  write("review-code", participant ? "reviewCode" : "", { participant });
  write("redo", protocol ? "redoRecorded" : "chooseOther");
  write("review-play", "");
  showKept();
  askAccessOn("review");
  $("review-access").hidden = !findMissingAccess();
  show("review");
}

/** Say whether the video outlives this page, once it is known. */
function showKept() {
  write("review-kept", isKept === undefined ? "" : isKept ? "kept" : "notKept");
}

/** Delete the recording when a day is over, also of a page that stays open. */
function checkAge() {
  if (video && shown !== "working" && isOver(video)) expire(video);
}

async function expire({ arrived }) {
  await forget();
  start();
  tellAtStart(arrived ? "expiredSent" : "expired");
}

function tellAtStart(text) {
  write("start-note", text);
  announce(say(text));
}

/** Delete the video, here and, if some of it may have arrived, at the service. */
async function discard() {
  const id = video.offer?.analysis_id;
  const isGone = await forget() || isKept === false;
  const withdrawal = id && withdraw(id); // in the name of the person who is signed in until now
  start();
  if (isGone) announce(say("discarded"));
  else tellAtStart("notForgotten");
  if (id) await tellWithdrawal(withdrawal, "start-note");
}

/** Make the video again: of the same person, who has agreed. */
async function redo() {
  const { protocol, participant, consent, offer } = video;
  await forget();
  video = undefined;
  forgetPlayback();
  if (offer) withdraw(offer.analysis_id);
  $("participant").value = participant;
  $("consent").checked = Boolean(consent);
  if (protocol) {
    await record(readEntered());
  } else {
    goBack();
    $("file").click();
  }
}

// The service

async function send() {
  const missing = findMissingAccess();
  if (missing) {
    $(`${shown}-access`).hidden = false;
    showMissing(missing);
    $(missing).focus();
    return;
  }
  video.language ??= language;
  const { signal } = stopping = new AbortController();
  let told = -1; // what a screen reader has heard, in quarters
  const showShare = (text, percent, values = {}) => {
    $("bar").value = percent;
    write("working-text", text, { percent, ...values });
    const quarter = Math.floor(percent / 25);
    if (quarter > Math.max(0, told)) announce(say(text, { percent, ...values }));
    told = quarter;
  };
  const onUpload = (share) => {
    write("working-title", "uploading");
    write("working-note", isKept ? "uploadingNoteKept" : "uploadingNote");
    showShare("uploadingText", Math.round(100 * share), { size: megabytes(video.blob.size) });
  };
  const letSleep = stayAwake();
  let state = "";
  const onStatus = ({ status, progress_percent: percent }) => {
    letSleep(); // it goes on without this page
    if (status !== state) announce(say(status));
    state = status;
    write("working-title", status);
    write("working-note", "workingNote");
    if (status === "processing") {
      showShare("processingText", percent);
    } else {
      $("bar").removeAttribute("value");
      write("working-text", "queuedText");
    }
  };
  $("bar").removeAttribute("value");
  for (const id of ["working-text", "working-note"]) write(id, "");
  write("working-title", "connecting");
  show("working");
  try {
    const done = await deliver(video, { onUpload, onStatus, signal });
    await forget();
    if (signal.aborted) return;
    showResult(done, video.language);
    deletePending();
  } catch (error) {
    if (!signal.aborted) await failSending(error);
  } finally {
    letSleep();
  }
}

async function failSending(error) {
  if (isFinal(error) || (error.reason === "analysis" && !video.blob)) {
    await forget();
    fail(isFinal(error) ? explain(error) : new Failure("failedGone", error.code));
    video = undefined;
    return;
  }
  fail(explain(error), mayWorkLater(error) ? send : undefined);
}

/** Go to the start, or to the recording that waits to be sent. */
function leaveFailure() {
  if (!video) {
    goBack();
  } else if (video.blob) {
    review();
    $("review-access").hidden = false; // the key or token may be wrong
  } else {
    showWaiting();
  }
}

/** Stop, and have what was sent deleted. */
async function cancel() {
  stopping.abort();
  const id = video.offer?.analysis_id;
  const { blob } = video;
  const withdrawal = id && withdraw(id);
  Object.assign(video, { offer: undefined, arrived: false });
  if (blob) {
    await keepAndReview();
  } else {
    await forget();
    start();
  }
  announce(say("cancelled"));
  if (id) await tellWithdrawal(withdrawal, blob ? "review-text" : "start-note");
}

/** Say whether the service has deleted what was sent, once it is known. */
async function tellWithdrawal(withdrawal, place) {
  const isGone = await withdrawal;
  announce(say(isGone ? "deleted" : "notDeleted"));
  if (!isGone) write(place, "notDeleted");
}

// The result

/** Show the patient what to do. The assessment is in the report, which the clinician opens. */
function showResult(told, asked) {
  forgetPlayback();
  video = undefined;
  // A phone may load the page again while the report is looked at in another tab.
  remember(RESULT, JSON.stringify({ id: told.analysis_id, asked }));
  // Use the language of the request; the page's language may have changed since.
  $("message").textContent = told.patient_message ?? told.summary.assessment.patient_message;
  $("message").lang = told.patient_message ? asked : "en";
  $("analysis-id").textContent = told.analysis_id;
  showReport(told.report_url);
  const controller = new AbortController();
  const timer = setInterval(async () => {
    try {
      const again = await getStatus(told.analysis_id, controller.signal);
      showReport(again.report_url);
    } catch {
      // Try the old address.
    }
  }, REPORT_REFRESH_MS);
  show("result", () => {
    clearInterval(timer);
    controller.abort();
  });
  announce(say("resultTitle"));
}

function showReport(url) {
  // Only a web address may become a link.
  const good = url && ["https:", "http:"].includes(new URL(url).protocol);
  $("report").hidden = !good;
  if (good) $("report").href = url;
  write("clinician-text", good ? "reportText" : "noReport");
}

// Coming back

/** Whether the video is looked at before the sending goes on: a token decides whose it will be. */
const mustLook = () => !video.offer || (NEEDS_TOKEN && video.blob);

/** Show that a recording waits on this device, but not whose face it is, before it is asked for. */
function showWaiting() {
  const { madeMs, participant, offer } = video;
  write("waiting-text", offer ? "waitingSent" : "waitingText", { time: () => dayAndTime(madeMs) });
  write("waiting-code", participant ? "reviewCode" : "", { participant });
  write("continue", mustLook() ? "continueReview" : "continueSending");
  askAccessOn("waiting");
  $("waiting-access").hidden = mustLook() || !(NEEDS_KEY || NEEDS_TOKEN);
  show("waiting");
}

async function showResultAgain({ id, asked }) {
  try {
    const told = await getStatus(id);
    if (told.status === "completed") {
      showResult(told, asked);
      return;
    }
  } catch {
    // It is in the records of the clinic or study.
  }
  start();
}

/** Go on where the page was left. */
async function begin() {
  const kept = await recall();
  const result = recollect(RESULT);
  deletePending();
  if (kept?.isOver) {
    await expire(kept);
  } else if (kept && (kept.blob || kept.arrived)) {
    [video, isKept] = [kept, true];
    if (kept.offer && !findMissingAccess()) await send();
    else showWaiting();
  } else if (result && !findMissingAccess()) {
    await showResultAgain(JSON.parse(result));
  } else {
    await forget();
    start();
  }
}

/** Call `begin` if no other tab has this page open: they would send the same recording twice. */
function beginAlone() {
  if (!navigator.locks) {
    begin();
    return;
  }
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), OTHER_TAB_MS);
  navigator.locks.request("eye-tracking", { signal: waiting.signal }, () => {
    clearTimeout(timer);
    begin();
    return new Promise(() => {}); // until the page is closed
  }).catch(() => {
    clearTimeout(timer);
    if (waiting.signal.aborted) {
      fail(new Failure("otherTab"), () => window.location.reload());
      $("restart").hidden = true; // no way past the other tab
    } else {
      begin(); // a browser that lets pages keep nothing has no locks, either
    }
  });
}

$("english").onclick = () => speakIn("en");
$("korean").onclick = () => speakIn("ko");
$("larger").onclick = () => {
  const isLarger = !document.documentElement.classList.contains("larger");
  remember("larger", isLarger ? "yes" : undefined);
  setLarger(isLarger);
};
for (const one of document.querySelectorAll("input[name=task]")) {
  one.onchange = () => { task = one.value; writeTask(); };
  // A browser may keep what was chosen when the page is loaded again.
  one.checked = one.value === task;
}
$("record").onclick = () => { if (isEntered()) record(readEntered()); };
$("choose").onclick = () => { if (isEntered()) $("file").click(); };
$("file").onchange = chooseFile;
$("send").onclick = send;
$("redo").onclick = redo;
$("discard").onclick = discard;
$("cancel").onclick = cancel;
$("continue").onclick = () => (mustLook() ? review() : send());
$("delete-waiting").onclick = discard;
$("restart").onclick = leaveFailure;
$("again").onclick = start;
$("playback").onerror = () => write("review-play", "cannotPlay");
$("key-field").hidden = !NEEDS_KEY;
$("token-field").hidden = !NEEDS_TOKEN;
$("participant-field").hidden = NEEDS_TOKEN;
$("consent-field").hidden = !CONSENT;
window.addEventListener("beforeunload", (event) => {
  const isLost = video?.blob && !isKept && !video.arrived;
  if (isLost && (shown === "review" || shown === "working")) event.preventDefault();
});
document.addEventListener("visibilitychange", checkAge);
setInterval(checkAge, AGE_CHECK_MS);
setLarger(recollect("larger") !== null);
translate(language);
writeChosen();
beginAlone();
if (navigator.serviceWorker) {
  navigator.serviceWorker.register("sw.js").catch(() => {}); // the page works without it
  navigator.serviceWorker.ready.then(() => { $("note-offline").hidden = false; });
}
