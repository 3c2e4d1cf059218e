/* The way of a recording: to the service, through the analysis, and away again if it is cancelled. */
import { EyeTrackingClient, EyeTrackingError, pause } from "./client.js";
import { API, NEEDS_KEY, NEEDS_TOKEN } from "./config.js";
import { $, Failure } from "./page.js";
import { listDeletions, note, noteDeletions } from "./storage.js";

const POLL_MS = 2000;
const OFFER_VALID_MS = 55 * 60 * 1000; // the service takes the file for an hour
const DELETE_ATTEMPTS = 5;
// Of an analysis: it failed, but not because of the video.
const PASSING_CODES = new Set([
  "interrupted", "internal_error", "expired", "throttled", "analysis_killed", "part_damaged",
]);

const client = new EyeTrackingClient({
  address: API,
  getKey: NEEDS_KEY ? () => $("key").value : undefined,
  getToken: NEEDS_TOKEN ? () => $("token").value.trim() : undefined,
});

export const getStatus = (id, signal) => client.getStatus(id, signal);

/** Whether the page must be told a key or a token before it can ask the service. */
export const lacksAccess = () =>
  (NEEDS_KEY && !$("key").value) || (NEEDS_TOKEN && !$("token").value.trim());

/** Return what to show of an error. */
export function explain(error) {
  if (!(error instanceof EyeTrackingError)) return error;
  const texts = {
    network: "failedNetwork",
    unauthorized: NEEDS_TOKEN ? "failedToken" : "failedRefused",
    forbidden: NEEDS_KEY ? "failedKey" : "failedRefused",
    busy: "failedBusy",
    refused: "failedRefused",
    upload: "failedUpload",
    analysis: PASSING_CODES.has(error.code) ? "failedPassing" : "failedAnalysis",
  };
  return new Failure(texts[error.reason], error.message);
}

/** Whether the service has judged the video itself, so that sending it again would change nothing. */
export const isFinal = (error) => error instanceof EyeTrackingError
  && error.reason === "analysis" && !PASSING_CODES.has(error.code);

/** Whether the same may work later. */
export const mayWorkLater = (error) => error instanceof EyeTrackingError
  && (error.isPassing || error.reason === "upload" || error.reason === "analysis")
  && !isFinal(error);

/** Return the parameters that say what the person was asked to do. */
function describeTask({ task, protocol }) {
  if (protocol) return { task, protocol };
  // The service assumes the short task of a video that was chosen, and says so.
  return task === "extended" ? { task } : {};
}

/** Send a video, if the service does not have it yet, and wait for the analysis.
 *
 * What has been reached is noted in `video` and on this device, so that after a failure or in a page
 * that was loaded again, the same call goes on from there. Returns the analysis.
 */
export async function deliver(video, { onUpload, onStatus, signal }) {
  if (video.offer && !video.arrived) await lookForArrival(video, signal);
  if (!video.arrived) {
    video.offer ??= await askForOffer(video, signal);
    await note(video);
    onUpload(0);
    await client.upload(video.offer, video.blob, onUpload, signal);
    await noteArrival(video);
  }
  try {
    return await client.waitFor(
      video.offer.analysis_id, { onStatus, intervalMs: POLL_MS, signal },
    );
  } catch (error) {
    // It ended without a result. Another attempt, if there is one, begins from the video.
    if (error instanceof EyeTrackingError && error.reason === "analysis") {
      Object.assign(video, { offer: undefined, arrived: false });
    }
    throw error;
  }
}

async function askForOffer(video, signal) {
  video.offeredMs = Date.now();
  return client.createUpload({
    // With a token, the token says who it is.
    ...(NEEDS_TOKEN ? {} : { user_id: video.participant }),
    ...(video.name ? { file_name: video.name } : {}),
    ...(video.capturedAt ? { captured_at: video.capturedAt } : {}),
    ...(video.consent ? { consent: video.consent } : {}),
    content_type: video.type,
    parameters: describeTask(video),
    report: true,
    lang: video.language,
  }, signal);
}

async function noteArrival(video) {
  video.arrived = true;
  // From now on, the id is enough.
  const { madeMs, language, offer: { analysis_id } } = video;
  await note({ arrived: true, madeMs, language, offer: { analysis_id } });
}

/** An upload broke off, or its end was not seen: ask how far it came. */
async function lookForArrival(video, signal) {
  const { analysis_id: id } = video.offer;
  let status;
  try {
    ({ status } = await client.getStatus(id, signal));
  } catch (error) {
    if (!(error instanceof EyeTrackingError && error.reason === "refused")) throw error;
    status = "expired"; // it is not there any more
  }
  if (["processing", "completed", "failed"].includes(status)) {
    await noteArrival(video);
  } else if (status !== "queued" || Date.now() - video.offeredMs > OFFER_VALID_MS) {
    await noteDeletions([...await listDeletions(), id]);
    video.offer = undefined;
  }
}

/** Have an analysis deleted by the service. Return whether it is; if not, the next page tries again. */
export async function withdraw(id) {
  await noteDeletions([...await listDeletions(), id]);
  for (let attempt = 0; attempt < DELETE_ATTEMPTS; attempt += 1) {
    if (await deletePending()) return true;
    await pause(POLL_MS);
  }
  return false;
}

/** Try once to delete all that is still to be deleted. Return whether nothing is left. */
export async function deletePending() {
  let left = await listDeletions();
  if (left.length && lacksAccess()) return false;
  for (const id of left) {
    try {
      await client.deleteAnalysis(id);
      left = left.filter((one) => one !== id);
      await noteDeletions(left);
    } catch {
      // Another time.
    }
  }
  return !left.length;
}
