//! Tokens for services: JWT signed by this server, for a short time, with the role they carry.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::{Caller, Role, Scopes};
use crate::{Error, Kind, Result, vault::Vault};

const ISSUER: &str = "backgroundfx";

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The key or user that asked for it.
    sub: String,
    org: String,
    role: Role,
    /// Tokens of earlier versions have none.
    #[serde(default)]
    scopes: Scopes,
    /// Seconds since 1970.
    iat: i64,
    exp: i64,
}

/// A token for a caller until `expires`, in seconds since 1970.
///
/// # Errors
/// [`Kind::Internal`].
pub fn issue(vault: &Vault, caller: &Caller, now: i64, expires: i64) -> Result<String> {
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: ISSUER.to_owned(),
        sub: caller.actor.clone(),
        org: caller.organisation.clone(),
        role: caller.role,
        scopes: caller.scopes,
        iat: now,
        exp: expires,
    };
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(vault.signing()))
        .map_err(|error| Error::new(Kind::Internal, "a token cannot be signed").because(error))
}

/// Who a token is; nobody when it is not this server's, is over, or is signed in any other way.
#[must_use]
pub fn caller(vault: &Vault, token: &str) -> Option<Caller> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[ISSUER]);
    validation.leeway = 0;
    let claims = decode::<Claims>(token, &DecodingKey::from_secret(vault.signing()), &validation).ok()?.claims;
    Some(Caller { actor: claims.sub, organisation: claims.org, role: claims.role, scopes: claims.scopes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    #[test]
    fn a_token_is_taken_as_it_was_signed_and_in_its_time_only() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(&folder.path().join("key")).unwrap();
        let who =
            Caller { actor: "key_1".into(), organisation: "org_1".into(), role: Role::Viewer, scopes: Scopes::ALL };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
        let token = issue(&vault, &who, now, now + 60).unwrap();
        assert_eq!(caller(&vault, &token), Some(who.clone()));
        assert_eq!(caller(&vault, &issue(&vault, &who, now - 60, now - 1).unwrap()), None, "over");
        let stranger = Vault::open(&folder.path().join("other")).unwrap();
        assert_eq!(caller(&stranger, &token), None, "signed by another");
        let parts: Vec<&str> = token.split('.').collect();
        let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let claims = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        let mightier = BASE64_URL_SAFE_NO_PAD.encode(claims.replace("viewer", "owner"));
        for forged in [
            format!("{none}.{}.", parts[1]),
            format!("{none}.{mightier}.{}", parts[2]),
            format!("{}.{mightier}.{}", parts[0], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            String::new(),
        ] {
            assert_eq!(caller(&vault, &forged), None, "{forged}");
        }
    }
}
