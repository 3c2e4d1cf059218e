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
  version: "2",
  text: {
    en: "I agree that a video of my face is recorded and kept on this device until it is sent, for 24 hours at most. I agree that it is sent to this service, analysed for eye movements, and kept there until it is deleted. I can have it deleted at any time.",
    ko: "내 얼굴 영상을 촬영하고, 보낼 때까지 이 기기에 최대 24시간 보관하는 데 동의합니다. 영상을 이 서비스로 보내 눈 움직임을 분석하고, 삭제할 때까지 서비스에 보관하는 데 동의합니다. 언제든지 삭제를 요청할 수 있습니다.",
  },
};
