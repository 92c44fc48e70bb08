// Package sso signs people in through a provider of identities (OpenID Connect): the
// authorisation code flow with PKCE, and go-oidc's verification of what comes of it.
//
// # The way
//
// GET /login/sso sends the browser to the provider, with a state, a nonce and the digest
// of a verifier, all three drawn anew and kept in a cookie of that browser for ten minutes.
// GET /login/sso/back takes the code, if the state is the cookie's: nobody can end in our
// browser what he began in his. The code is exchanged for an ID token by a request of our
// own. The token must be signed by the provider (RSA, ECDSA or Ed25519; never "none" or a
// shared key), be for this client and no other, be young, and have the nonce.
//
// Cookies of sessions are not sent where another site leads (SameSite=Strict), and a
// redirect would still be that way. So the answer is a page of ours, which leads on.
//
// # Who it is
//
// The account of the provider's subject, once it was tied (package identity); until then
// the one that user_claim names. An account with a password is nobody's but who knows
// that: a provider's "admin" is not ours. With roles in the settings, the first that fits
// says role and tags at each sign-in, and who has no account gets one; none fits, nobody
// comes in. Without roles, only those come in whom an administrator made a user.
//
// # The way out
//
// Signing out here ends the session here, and leads who is known through the provider to
// GET /login/sso/out, which says so and has the way to the provider's own end, if its
// configuration names one. It is a link and not a redirect: signing out there is signing
// out of everything, which not everybody means.
//
// # The provider
//
// It is asked over TLS (or on this machine, where the settings themselves say that it is
// there), no redirect is followed, an answer has at most
// a megabyte and ten seconds. It is asked for its configuration when somebody first signs
// in, so that the collector starts without it; passwords work meanwhile.
package sso
