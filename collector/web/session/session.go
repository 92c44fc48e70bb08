// Package session holds who is signed in: random tokens that live in memory
// only, as hashes, for a bounded time and in bounded number. It also holds the
// limiter of login attempts and the tokens that tie a form to its cookie.
//
// A token is 256 random bits. The store knows its SHA-256 alone, so nothing read
// from memory or a core file can be sent as a cookie, and the lookup by hash
// tells nothing by its time. A restart of the collector signs everybody out.
package session

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"sync"
	"time"

	"seawall/collector/web/role"
)

// Config bounds a [Store].
type Config struct {
	Lifetime time.Duration    // from sign-in to the end, whatever happens
	Idle     time.Duration    // from the last use to the end
	Max      int              // sessions at a time; the one longest unused makes room
	Each     int              // of them of one user, likewise
	Now      func() time.Time // the clock
}

// Store holds the sessions.
type Store struct {
	config Config
	key    [32]byte // of the form tokens

	mu       sync.Mutex
	sessions map[[32]byte]*Session
}

// Who is signed in.
type Who struct {
	User  string
	Role  role.Role
	Scope []string // the tags of the hosts that the user may see; none: all hosts
	Token string   // the id of the API token that it came with, no secret; "" for a session
}

// Session is one signed-in browser.
type Session struct {
	who  Who
	id   [32]byte
	born time.Time
	used time.Time // guarded by Store.mu
	done chan struct{}
}

// Who returns who is signed in.
func (s *Session) Who() Who { return s.who }

// ID returns a name for the session that is no secret.
func (s *Session) ID() string { return hex.EncodeToString(s.id[:8]) }

// Done is closed when the session is no more.
func (s *Session) Done() <-chan struct{} { return s.done }

// New returns an empty store.
func New(c Config) *Store {
	s := &Store{config: c, sessions: make(map[[32]byte]*Session)}
	rand.Read(s.key[:]) // never fails
	return s
}

// Token returns 256 fresh random bits as text for a cookie.
func Token() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Start opens a session of who and returns its token. The token is always a new one:
// what the browser sent before is never adopted.
func (s *Store) Start(who Who) string {
	token := Token()
	now := s.config.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	if s.count(who.User) >= s.config.Each { // before others': nobody signs others out by signing in
		s.evict(who.User)
	}
	for len(s.sessions) >= s.config.Max {
		s.evict("")
	}
	id := sha256.Sum256([]byte(token))
	s.sessions[id] = &Session{who: who, id: id, born: now, used: now, done: make(chan struct{})}
	return token
}

// Find returns the session of a token and marks it used, or nil.
func (s *Store) Find(token string) *Session {
	if len(token) != base64.RawURLEncoding.EncodedLen(32) {
		return nil
	}
	now := s.config.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.sessions[sha256.Sum256([]byte(token))]
	if session == nil {
		return nil
	}
	if s.over(session, now) {
		s.remove(session)
		return nil
	}
	session.used = now
	return session
}

// End closes a session.
func (s *Store) End(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(session)
}

// EndUser closes all sessions of a user: what it may do has changed.
func (s *Store) EndUser(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, session := range s.sessions {
		if session.who.User == user {
			s.remove(session)
		}
	}
}

// Sweep ends what has expired; call it now and then, so that the streams of an
// expired session end too.
func (s *Store) Sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(s.config.Now())
}

// Len returns the number of sessions.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

func (s *Store) over(session *Session, now time.Time) bool {
	return now.Sub(session.born) >= s.config.Lifetime || now.Sub(session.used) >= s.config.Idle
}

func (s *Store) sweep(now time.Time) {
	for _, session := range s.sessions {
		if s.over(session, now) {
			s.remove(session)
		}
	}
}

func (s *Store) count(user string) (n int) {
	for _, session := range s.sessions {
		if session.who.User == user {
			n++
		}
	}
	return n
}

// evict removes the session longest unused, of a user or of all.
func (s *Store) evict(user string) {
	var oldest *Session
	for _, session := range s.sessions {
		if (user == "" || session.who.User == user) && (oldest == nil || session.used.Before(oldest.used)) {
			oldest = session
		}
	}
	if oldest != nil {
		s.remove(oldest)
	}
}

func (s *Store) remove(session *Session) {
	if s.sessions[session.id] == session {
		delete(s.sessions, session.id)
		close(session.done)
	}
}

// Form returns the token that a form must carry to be taken with the cookie's
// value: a MAC of it, so that who can write a form but not read the cookie has
// none.
func (s *Store) Form(cookie string) string {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte("form\x00" + cookie))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// FormValid reports whether token is the one of cookie.
func (s *Store) FormValid(cookie, token string) bool {
	return cookie != "" && hmac.Equal([]byte(s.Form(cookie)), []byte(token))
}

// Device returns what a browser keeps to be known as one that user signed in on. It
// admits to nothing; it sets the browser apart from those that guess.
func (s *Store) Device(user string) string {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte("device\x00" + user))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// DeviceOf reports whether a browser that has kept device is one of user's.
func (s *Store) DeviceOf(user, device string) bool {
	return hmac.Equal([]byte(s.Device(user)), []byte(device))
}
