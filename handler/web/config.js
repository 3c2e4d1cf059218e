// Address of this deployment's API. Empty if the page has the same address. For a page on S3, the
// stack's output ApiUrl, such as "https://ID.execute-api.ap-northeast-2.amazonaws.com/dev".
export const API = "";

// true if the stack was deployed with RequireApiKey=true. The page then asks its user for the key,
// and forgets it when it is closed. Never write the key here: anyone can read this file.
export const NEEDS_KEY = false;

// true if callers must sign in (UserPoolArn or JwtIssuer; the local server's --token and --issuer).
// The page then asks its user for a token, and forgets it when it is closed.
export const NEEDS_TOKEN = false;

// What a person agrees to before the camera opens, and its version, which the record of each analysis
// keeps. Change both together. null: the page asks for no consent.
export const CONSENT = {
  version: "1",
  text: {
    en: "I agree that a video of my face is sent to this service, analysed for eye movements, and kept there until it is deleted. I can have it deleted at any time.",
    ko: "내 얼굴 영상이 이 서비스로 전송되어 눈 움직임이 분석되고, 삭제될 때까지 보관되는 데 동의합니다. 언제든지 삭제를 요청할 수 있습니다.",
  },
};
