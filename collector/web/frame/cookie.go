package frame

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// Cookie returns the value of r's cookie name, "" when it has none.
func (f *Frame) Cookie(r *http.Request, name string) string {
	c, err := r.Cookie(f.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// SetCookie sets a cookie that no script reads and no other site causes to be sent.
// A life of 0 takes it away.
func (f *Frame) SetCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	f.set(w, name, value, life, http.SameSiteStrictMode)
}

// SetTripCookie is SetCookie for one that is sent, too, when another site leads a person
// back here. It must be worth nothing but for telling that this is so.
func (f *Frame) SetTripCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	f.set(w, name, value, life, http.SameSiteLaxMode)
}

func (f *Frame) set(w http.ResponseWriter, name, value string, life time.Duration, site http.SameSite) {
	c := &http.Cookie{
		Name: f.cookieName(name), Value: value, Path: "/",
		HttpOnly: true, Secure: f.config.Secure, SameSite: site,
		MaxAge: int(life.Seconds()),
	}
	if life <= 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// cookieName returns the full name of a cookie. Over https the prefix makes browsers
// refuse one that another host or an unencrypted page tries to set.
func (f *Frame) cookieName(name string) string {
	if f.config.Secure {
		return "__Host-seawall-" + name
	}
	return "seawall-" + name
}

// themeCookie is the same over http and https: the script sets it too.
const themeCookie = "seawall-theme"

// Theme returns the reader's choice: light, dark or "".
func (f *Frame) Theme(r *http.Request) string {
	c, err := r.Cookie(themeCookie)
	if err != nil || c.Value != "light" && c.Value != "dark" {
		return ""
	}
	return c.Value
}

// SwitchTheme keeps the other of light and dark in a cookie, for browsers without
// script. From the system's own choice it goes to dark.
func (f *Frame) SwitchTheme(w http.ResponseWriter, r *http.Request) {
	theme := "dark"
	if f.Theme(r) == "dark" {
		theme = "light"
	}
	http.SetCookie(w, &http.Cookie{
		Name: themeCookie, Value: theme, Path: "/", MaxAge: 365 * 24 * 60 * 60,
		Secure: f.config.Secure, SameSite: http.SameSiteStrictMode, // the script sets it too
	})
	f.Redirect(w, r, r.PostFormValue("next"), "")
}

// flashLife is for how long a sentence waits for the page that shows it.
const flashLife = time.Minute

// setFlash keeps a sentence for the visitor's next page, signed for its session, so
// that nobody else puts words into a page.
func (f *Frame) setFlash(w http.ResponseWriter, r *http.Request, done string) {
	if len(done) > 512 {
		done = strings.ToValidUTF8(done[:512], "") + "…"
	}
	raw := append(flashSum(Of(r), done), done...)
	f.SetCookie(w, "flash", base64.RawURLEncoding.EncodeToString(raw), flashLife)
}

// flash takes the sentence out; without a w it stays for the next page.
func (f *Frame) flash(w http.ResponseWriter, r *http.Request) string {
	value := f.Cookie(r, "flash")
	if w == nil || value == "" {
		return ""
	}
	f.SetCookie(w, "flash", "", 0)
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(raw) < sha256.Size {
		return ""
	}
	done := string(raw[sha256.Size:])
	if !hmac.Equal(raw[:sha256.Size], flashSum(Of(r), done)) {
		return ""
	}
	return done
}

func flashSum(v Visitor, done string) []byte {
	mac := hmac.New(sha256.New, []byte(v.Form))
	mac.Write([]byte("flash\x00" + done))
	return mac.Sum(nil)
}
