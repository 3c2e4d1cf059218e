// Of this deployment. The page's own address needs nothing; for a page on S3, the stack's output
// ApiUrl, as "https://ID.execute-api.ap-northeast-2.amazonaws.com/dev".
export const API = "";

// true where the stack was deployed with RequireApiKey=true: the page then asks whoever uses it for
// the key, and forgets it when it is closed. The key itself must not stand here: anyone can read it.
export const NEEDS_KEY = false;
