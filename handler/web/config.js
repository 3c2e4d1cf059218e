// Address of this deployment's API. Empty if the page has the same address. For a page on S3, the
// stack's output ApiUrl, such as "https://ID.execute-api.ap-northeast-2.amazonaws.com/dev".
export const API = "";

// true if the stack was deployed with RequireApiKey=true. The page then asks its user for the key,
// and forgets it when it is closed. Never write the key here: anyone can read this file.
export const NEEDS_KEY = false;
