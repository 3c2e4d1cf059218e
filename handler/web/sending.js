/* The way of a recording: to the service, through the analysis, and away again if it is cancelled. */
import { EyeTrackingClient, EyeTrackingError, pause } from "./client.js";
import { API, NEEDS_KEY, NEEDS_TOKEN } from "./config.js";
import { $, Failure } from "./page.js";
import { changeDeletions, listDeletions, note } from "./storage.js";

const POLL_MS = 2000;
const OFFER_VALID_MS = 55 * 60 * 1000; // the service takes the file for an hour
const DELETE_ATTEMPTS = 5;
// Of an analysis: it failed, but not because of the video.
const PASSING_CODES = new Set([
  "interrupted", "internal_error", "expired", "throttled", "analysis_killed", "part_damaged",
]);

const HEADER = /^[\x21-\x7e]+$/; // what a browser can send as a key or a token

const read = (field) => $(field).value.trim();

/** Return a client in the name of the person whose key and token are in the fields now. */
function connect() {
  const [key, token] = [read("key"), read("token")];
  return new EyeTrackingClient({
    address: API,
    getKey: NEEDS_KEY ? () => key : undefined,
    getToken: NEEDS_TOKEN ? () => token : undefined,
  });
}

export const getStatus = (id, signal) => connect().getStatus(id, signal);

/** Return the field that the page needs before it can ask the service: "key", "token" or "". */
export function findMissingAccess() {
  if (NEEDS_KEY && !HEADER.test(read("key"))) return "key";
  return NEEDS_TOKEN && !HEADER.test(read("token")) ? "token" : "";
}

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
  return new Failure(
    texts[error.reason], error.code || (error.status ? `HTTP ${error.status}` : ""),
  );
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
  const client = connect();
  if (video.offer && !video.arrived) await lookForArrival(client, video, signal);
  if (!video.arrived) {
    video.offer ??= await askForOffer(client, video, signal);
    await note(video);
    onUpload(0);
    try {
      await client.upload(video.offer, video.blob, onUpload, signal);
    } catch (error) {
      // This address takes it no more: another attempt asks for another one.
      if (error.status >= 400 && error.status < 500) video.offeredMs = 0;
      throw error;
    }
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

async function askForOffer(client, video, signal) {
  video.offeredMs = Date.now();
  // It is not broken off: only its answer tells what is to be deleted.
  const offer = await client.createUpload({
    // With a token, the token says who it is.
    ...(NEEDS_TOKEN ? {} : { user_id: video.participant }),
    ...(video.name ? { file_name: video.name } : {}),
    ...(video.capturedAt ? { captured_at: video.capturedAt } : {}),
    ...(video.consent ? { consent: video.consent } : {}),
    content_type: video.type,
    parameters: describeTask(video),
    report: true,
    lang: video.language,
  });
  if (signal.aborted) {
    withdraw(offer.analysis_id, client);
    throw signal.reason;
  }
  return offer;
}

async function noteArrival(video) {
  video.arrived = true;
  // From now on, the id is enough.
  const { madeMs, language, offer: { analysis_id } } = video;
  await note({ arrived: true, madeMs, language, offer: { analysis_id } });
}

/** An upload broke off, or its end was not seen: ask how far it came. */
async function lookForArrival(client, video, signal) {
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
    await changeDeletions((ids) => [...ids, id]);
    video.offer = undefined;
  }
}

/** Have an analysis deleted by the service. Return whether it is; if not, the next page tries again. */
export async function withdraw(id, client = connect()) {
  await changeDeletions((ids) => [...ids, id]);
  for (let attempt = 0; attempt < DELETE_ATTEMPTS; attempt += 1) {
    if (await tryToDelete(id, client)) return true;
    await pause(POLL_MS);
  }
  return false;
}

async function tryToDelete(id, client) {
  try {
    await client.deleteAnalysis(id);
  } catch {
    return false;
  }
  await changeDeletions((ids) => ids.filter((one) => one !== id));
  return true;
}

/** Try once to delete all that is still to be deleted. */
export async function deletePending() {
  if (findMissingAccess()) return;
  const client = connect();
  for (const id of await listDeletions()) await tryToDelete(id, client);
}
