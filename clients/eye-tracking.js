// @ts-check
/**
 * A client of the eye-tracking API, for browsers. One file without dependencies: copy it.
 *
 *     import { EyeTrackingClient } from "./eye-tracking.js";
 *
 *     const client = new EyeTrackingClient({ address: "https://ID.execute-api.…/dev", getToken });
 *     const offer = await client.createUpload({ file_name: file.name, report: true });
 *     await client.upload(offer, file, (share) => console.log(share));
 *     const told = await client.waitFor(offer.analysis_id, { onStatus: console.log });
 *
 * The types name what a client needs. The whole description is the API's own `/openapi.json`.
 */

/**
 * @typedef {object} Phase What the person was asked to do, and when, from the video's first frame.
 * @property {"up" | "down" | "left" | "right" | "fixate" | "rest"} phase
 * @property {number} start_s
 * @property {number} end_s
 */

/**
 * @typedef {object} AnalysisParameters
 * @property {number} [step]
 * @property {number} [vpp_thresh]
 * @property {number} [blink_thresh]
 * @property {number} [max_frames]
 * @property {number} [blink_min_frames]
 * @property {"adaptive" | "fixed"} [blink_baseline]
 * @property {Phase[]} [protocol]
 * @property {"up_down" | "extended" | "unknown"} [task]
 * @property {boolean} [task_assumed]
 */

/**
 * @typedef {object} Upload A request to send a file.
 * @property {string} [content_type] One that the API lists. Without it, the content decides as well.
 * @property {string | null} [user_id] Only where the API knows no callers.
 * @property {AnalysisParameters | null} [parameters]
 * @property {boolean} [report]
 * @property {boolean} [fan_out] Divide the video among many workers, whatever its length.
 * @property {"en" | "ko"} [lang]
 * @property {string} [file_name]
 * @property {string} [captured_at] ISO 8601.
 * @property {string} [consent] Version of the text that the person agreed to.
 */

/**
 * @typedef {object} UploadOffer Where a file can be sent.
 * @property {string} analysis_id
 * @property {{url: string, fields: Record<string, string>}} upload
 */

/**
 * @typedef {object} Assessment
 * @property {"suspected" | "borderline" | "not_suspected" | "not_assessable"} status
 * @property {string} patient_message
 */

/**
 * @typedef {object} Status The state of an analysis.
 * @property {string} analysis_id
 * @property {"queued" | "processing" | "completed" | "failed" | "expired"} status
 * @property {number} progress_percent
 * @property {string} created_at
 * @property {{assessment: Assessment, [field: string]: unknown}} [summary]
 * @property {string} [patient_message] In the language that was asked for.
 * @property {string} [report_url] Valid for 15 minutes; ask for the state again for a new one.
 * @property {string} [code]
 * @property {string} [error]
 */

/**
 * @typedef {"network" | "unauthorized" | "forbidden" | "busy" | "refused" | "upload" | "analysis"} Cause
 * `network`: no answer. `unauthorized`: no valid token. `forbidden`: no valid key, or another's file.
 * `busy`: ask again later. `refused`: the request is wrong. `upload`: the file did not arrive.
 * `analysis`: the analysis failed or expired.
 */

/** Why something failed. `message` is the API's own text, which says what to do; it may be empty. */
export class EyeTrackingError extends Error {
  /**
   * @param {Cause} cause
   * @param {string} [message]
   * @param {number} [status] The HTTP status; 0 without an answer.
   * @param {string} [code] The API's code of the error.
   */
  constructor(cause, message = "", status = 0, code = "") {
    super(message);
    this.name = "EyeTrackingError";
    this.reason = cause;
    this.status = status;
    this.code = code;
  }

  /** Whether the same request may succeed later. */
  get isPassing() {
    return this.reason === "network" || this.reason === "busy";
  }
}

export class EyeTrackingClient {
  /**
   * @param {object} options
   * @param {string} [options.address] Of the API, without a slash at its end. Empty: the page's own.
   * @param {() => string | Promise<string>} [options.getToken] Returns the caller's token.
   * @param {() => string} [options.getKey] Returns the app's `x-api-key`.
   */
  constructor({ address = "", getToken, getKey } = {}) {
    this.address = address;
    this.getToken = getToken;
    this.getKey = getKey;
  }

  /**
   * Ask where a file can be sent. The analysis begins by itself when it has arrived.
   * @param {Upload} request
   * @param {AbortSignal} [signal]
   * @returns {Promise<UploadOffer>}
   */
  createUpload(request, signal) {
    return this.#ask("POST", "/uploads", request, signal);
  }

  /**
   * Send a file.
   * @param {UploadOffer} offer
   * @param {Blob} file
   * @param {(share: number) => void} [onProgress] Is told the share that has been sent, 0 to 1.
   * @param {AbortSignal} [signal]
   * @returns {Promise<void>}
   */
  upload({ upload: { url, fields } }, file, onProgress, signal) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", file); // fields after the file would be ignored
    return new Promise((resolve, reject) => {
      if (signal?.aborted) { reject(signal.reason); return; }
      // Not with fetch, which reports no progress.
      const request = new XMLHttpRequest();
      request.open("POST", url);
      request.upload.onprogress = ({ loaded, total }) => onProgress?.(loaded / total);
      request.onload = () => {
        if (request.status >= 200 && request.status < 300) resolve();
        else reject(new EyeTrackingError("upload", `HTTP ${request.status}`, request.status));
      };
      request.onerror = () => reject(new EyeTrackingError("upload"));
      request.onabort = () => reject(signal?.reason);
      signal?.addEventListener("abort", () => request.abort());
      request.send(form);
    });
  }

  /**
   * Return the state of an analysis.
   * @param {string} id
   * @param {AbortSignal} [signal]
   * @returns {Promise<Status>}
   */
  getStatus(id, signal) {
    return this.#ask("GET", `/status/${encodeURIComponent(id)}`, undefined, signal);
  }

  /**
   * Wait until an analysis is completed, and return its last state.
   *
   * Passing errors are borne up to `patience` times in a row. Whatever is thrown, the analysis goes
   * on, and can be waited for again; only an error of the reason `analysis` ends it.
   * @param {string} id
   * @param {object} [options]
   * @param {(status: Status) => void} [options.onStatus] Is told every state.
   * @param {number} [options.intervalMs]
   * @param {number} [options.patience]
   * @param {AbortSignal} [options.signal]
   * @returns {Promise<Status>}
   */
  async waitFor(id, { onStatus, intervalMs = 2000, patience = 5, signal } = {}) {
    let failures = 0;
    for (;;) {
      try {
        const told = await this.getStatus(id, signal);
        failures = 0;
        if (told.status === "completed") return told;
        if (told.status === "failed" || told.status === "expired") {
          throw new EyeTrackingError("analysis", told.error, 200, told.code);
        }
        onStatus?.(told);
      } catch (error) {
        failures += 1;
        const isPassing = error instanceof EyeTrackingError && error.isPassing;
        if (!isPassing || failures >= patience) throw error;
      }
      await pause(intervalMs, signal);
    }
  }

  /**
   * Delete an analysis: its record, its results and the file that was sent.
   * @param {string} id
   * @param {AbortSignal} [signal]
   * @returns {Promise<void>}
   */
  async deleteAnalysis(id, signal) {
    await this.#ask("DELETE", `/analyses/${encodeURIComponent(id)}`, undefined, signal);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object | undefined} body
   * @param {AbortSignal | undefined} signal
   * @returns {Promise<any>}
   */
  async #ask(method, path, body, signal) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (body) headers["Content-Type"] = "application/json";
    if (this.getKey) headers["x-api-key"] = this.getKey();
    if (this.getToken) headers.Authorization = `Bearer ${await this.getToken()}`;
    let answer;
    let document_;
    try {
      answer = await fetch(`${this.address}${path}`, {
        method,
        headers,
        body: body && JSON.stringify(body),
        signal,
        cache: "no-store",
        credentials: "omit",
        referrerPolicy: "no-referrer",
      });
      document_ = answer.status === 204 ? {} : await answer.json();
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new EyeTrackingError("network");
    }
    if (answer.ok) return document_;
    const { status } = answer;
    throw new EyeTrackingError(findCause(status), document_.error, status, document_.code);
  }
}

/**
 * @param {number} status
 * @returns {Cause}
 */
function findCause(status) {
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  return status === 429 || status >= 500 ? "busy" : "refused";
}

/**
 * Wait; the signal's reason is thrown if it aborts.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) { reject(signal.reason); return; }
    const stop = () => { clearTimeout(timer); reject(signal?.reason); };
    const timer = setTimeout(() => { signal?.removeEventListener("abort", stop); resolve(); }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
