// Package session holds who is signed in: random tokens, as hashes, for a bounded time
// and in bounded number. It also holds the limiter of login attempts and the tokens
// that tie a form to its cookie.
//
// A token is 256 random bits. The store knows its SHA-256 alone, so nothing read from
// memory, a core file or the database can be sent as a cookie, and the lookup by hash
// tells nothing by its time.
//
// # In the database
//
// Sessions are rows, so that a browser may reach any collector on the database, and none
// is signed out by a restart. Each request asks for its row, and with it for what the
// user may do: a role that was taken back, a user who was disabled and a new password
// hold from the next request on, wherever they were changed. In memory are only the
// channels by which open streams end, and they do so when this collector, or the news
// of another, says that sessions have ended. While the database does not answer, those
// who were known a moment ago still are.
//
// Without a database sessions live in memory alone.
package session

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"seawall/collector/db"
	"seawall/collector/web/role"
)

// Config bounds a [Store].
type Config struct {
	Lifetime time.Duration    // from sign-in to the end, whatever happens
	Idle     time.Duration    // from the last use to the end
	Max      int              // sessions at a time; the one longest unused makes room
	Each     int              // of them of one user, likewise
	Now      func() time.Time // the clock
	// Data keeps the sessions, beside the accounts that they are of. Nil: memory does.
	Data db.DB
	Log  *slog.Logger // default: slog.Default()
}

// Store holds the sessions.
type Store struct {
	config Config
	rows   rows
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
	used time.Time // guarded by Store.mu; with a database: when it was last found there
	done chan struct{}
}

// Who returns who is signed in.
func (s *Session) Who() Who { return s.who }

// ID returns a name for the session that is no secret.
func (s *Session) ID() string { return hex.EncodeToString(s.id[:8]) }

// Done is closed when the session is no more.
func (s *Session) Done() <-chan struct{} { return s.done }

// graceful is for how long a session is believed in while the database does not answer.
const graceful = 5 * time.Minute

// New returns the store of the sessions in the database, or an empty one in memory.
func New(c Config) (*Store, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &Store{config: c, rows: rows{c.Data, c}, sessions: make(map[[32]byte]*Session)}
	if c.Data == nil {
		rand.Read(s.key[:]) // never fails
		return s, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	s.key, err = s.rows.key(ctx)
	return s, err
}

// Token returns 256 fresh random bits as text for a cookie.
func Token() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Start opens a session of who and returns its token. The token is always a new one:
// what the browser sent before is never adopted. With a database who may do what the
// account says by now; a user who may not sign in any more is an error that errors.Is
// fs.ErrPermission.
func (s *Store) Start(ctx context.Context, who Who, from From) (string, error) {
	token := Token()
	id := sha256.Sum256([]byte(token))
	if s.config.Data != nil {
		if err := s.rows.start(ctx, id, &who, from); err != nil {
			return "", err
		}
	}
	now := s.config.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.config.Data == nil {
		s.sweep(now)
		if s.count(who.User) >= s.config.Each { // before others': nobody signs others out by signing in
			s.evict(who.User)
		}
		for len(s.sessions) >= s.config.Max {
			s.evict("")
		}
	}
	s.sessions[id] = &Session{who: who, id: id, born: now, used: now, done: make(chan struct{})}
	return token, nil
}

// Find returns the session of a token and marks it used, or nil.
func (s *Store) Find(ctx context.Context, token string) *Session {
	if len(token) != base64.RawURLEncoding.EncodedLen(32) {
		return nil
	}
	id := sha256.Sum256([]byte(token))
	now := s.config.Now()
	if s.config.Data != nil {
		return s.ask(ctx, id, now)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	session := s.sessions[id]
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

// ask finds a session in the database.
func (s *Store) ask(ctx context.Context, id [32]byte, now time.Time) *Session {
	row, found, err := s.rows.find(ctx, id)
	good := err == nil && found && s.rows.good(row, now)
	if good && now.Sub(time.Unix(0, row.used)) >= touchEvery {
		if err := s.rows.touch(ctx, id, now); err != nil {
			s.config.Log.Warn("the use of a session is not kept", "err", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.sessions[id]
	if err != nil {
		return s.without(err, known, now)
	}
	if known != nil && (!good || !known.who.same(row.who)) {
		s.remove(known) // its streams show what it may see no more, or not all
		known = nil
	}
	if !good {
		return nil
	}
	if known == nil {
		known = &Session{who: row.who, id: id, born: time.Unix(0, row.born), done: make(chan struct{})}
		s.sessions[id] = known
	}
	known.used = now
	return known
}

// without is the session that is known here while the database does not answer, if it was
// good a short while ago.
func (s *Store) without(err error, known *Session, now time.Time) *Session {
	if known != nil && now.Sub(known.used) < graceful && now.Sub(known.born) < s.config.Lifetime {
		return known
	}
	s.config.Log.Warn("a session cannot be looked for", "err", err)
	return nil
}

func (w Who) same(o Who) bool {
	return w.User == o.User && w.Role == o.Role && slices.Equal(w.Scope, o.Scope)
}

// End closes a session.
func (s *Store) End(ctx context.Context, session *Session) error {
	if s.config.Data != nil {
		if err := s.rows.end(ctx, session.id[:]); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(session)
	return nil
}

// EndUser closes all sessions of a user: what it may do has changed.
func (s *Store) EndUser(user string) {
	if s.config.Data != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.rows.endUser(ctx, user); err != nil {
			s.config.Log.Error("sessions live on", "user", user, "err", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, session := range s.sessions {
		if session.who.User == user {
			s.remove(session)
		}
	}
}

// List returns the open sessions of a user, the one used last first. Without a database
// it returns none.
func (s *Store) List(ctx context.Context, user string) ([]Open, error) {
	if s.config.Data == nil {
		return nil, nil
	}
	all, _, err := s.rows.list(ctx, user)
	return all, err
}

// EndOne closes that of a user's sessions which [Store.List] calls id. There need not be
// one. Where ctx says by whom ([trail.By]), the audit trail is told in the same transaction.
func (s *Store) EndOne(ctx context.Context, user, id string) error {
	if s.config.Data == nil {
		return nil
	}
	all, ids, err := s.rows.list(ctx, user)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].ID == id {
			if err := s.rows.endOf(ctx, user, ids[i], all[i]); err != nil {
				return err
			}
			s.mu.Lock()
			if known := s.sessions[[32]byte(ids[i])]; known != nil {
				s.remove(known)
			}
			s.mu.Unlock()
		}
	}
	return nil
}

// Sweep ends what has expired, and what has ended elsewhere; call it now and then, so
// that the streams of an expired session end too.
func (s *Store) Sweep(ctx context.Context) error {
	now := s.config.Now()
	if s.config.Data != nil {
		err := s.config.Data.Write(ctx, func(w db.Writer) error { return s.rows.expire(w, now) })
		if err != nil {
			return fmt.Errorf("delete sessions that have ended: %w", err)
		}
		s.mu.Lock()
		ids := slices.Collect(maps.Keys(s.sessions))
		s.mu.Unlock()
		for _, id := range ids {
			s.check(ctx, id, now)
		}
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	return nil
}

// check ends a session's streams when the database says that it is over, or that its
// user may do something else now. It is no use of the session.
func (s *Store) check(ctx context.Context, id [32]byte, now time.Time) {
	row, found, err := s.rows.find(ctx, id)
	if err != nil {
		return // the next time will tell
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.sessions[id]; known != nil && (!found || !s.rows.good(row, now) || !known.who.same(row.who)) {
		s.remove(known)
	}
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
