package account

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Role says what somebody may do.
type Role string

// The roles, see the package's documentation.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Admin    Role = "admin"
)

// Roles returns the roles, the least first.
func Roles() []Role { return []Role{Viewer, Operator, Admin} }

// Least returns the role that may do less.
func Least(a, b Role) Role {
	all := Roles()
	return all[max(0, min(slices.Index(all, a), slices.Index(all, b)))]
}

// User is one account.
type User struct {
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Scope    []string  `json:"scope,omitempty"` // tags of hosts, sorted; none: all hosts
	Created  time.Time `json:"created"`
	Changed  time.Time `json:"changed"`  // the password; zero without one
	Disabled bool      `json:"disabled"` // cannot sign in, and its tokens are refused
	Seen     time.Time `json:"seen"`     // the last sign-in, zero before the first
	Password bool      `json:"password"` // signs in with one; else through a provider alone
}

// What is refused. The errors wrap one of these.
var (
	// ErrInvalid says that a name, password, role or scope has a form that is not taken.
	ErrInvalid = errors.New("not valid")
	// ErrExists says that the name is taken.
	ErrExists = errors.New("this user exists already")
	// ErrLastAdmin says that nobody could administrate the collector any more.
	ErrLastAdmin = errors.New("this is the last admin who can sign in")
)

// The bounds of what is taken.
const (
	nameBytes     = 64
	passwordRunes = 12
	passwordBytes = 1024
	maxScope      = 32
	tagBytes      = 64
)

// CheckName says what is wrong with a name.
func CheckName(name string) error {
	odd := strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_@", r)
	})
	if name == "" || len(name) > nameBytes || odd {
		return fmt.Errorf("name %q: want 1 to %d of a-z, 0-9, dot, hyphen, underscore and @: %w", name, nameBytes, ErrInvalid)
	}
	return nil
}

// checkPassword says what is wrong with a password.
func checkPassword(name, word string) error {
	switch {
	case utf8.RuneCountInString(word) < passwordRunes:
		return fmt.Errorf("password: want at least %d characters: %w", passwordRunes, ErrInvalid)
	case len(word) > passwordBytes:
		return fmt.Errorf("password: want at most %d bytes: %w", passwordBytes, ErrInvalid)
	case strings.Trim(strings.ToLower(word), " ") == name:
		return fmt.Errorf("password: it is the name: %w", ErrInvalid)
	}
	return nil
}

// Bounds checks role and scope and returns the scope sorted, each tag once.
func Bounds(role Role, scope []string) ([]string, error) {
	if !slices.Contains(Roles(), role) {
		return nil, fmt.Errorf("role %q: want viewer, operator or admin: %w", role, ErrInvalid)
	}
	if len(scope) > 0 && role == Admin {
		return nil, fmt.Errorf("an admin has no scope: %w", ErrInvalid)
	}
	return Tags(scope)
}

// Tags checks tags, of a scope or of a host, and returns them sorted, each once.
func Tags(tags []string) ([]string, error) {
	tags = slices.Compact(slices.Sorted(slices.Values(tags)))
	if len(tags) > maxScope {
		return nil, fmt.Errorf("%d tags, want at most %d: %w", len(tags), maxScope, ErrInvalid)
	}
	for _, tag := range tags {
		if tag == "" || len(tag) > tagBytes || !utf8.ValidString(tag) || strings.ContainsFunc(tag, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("tag %q: want 1 to %d bytes without blanks: %w", tag, tagBytes, ErrInvalid)
		}
	}
	return tags, nil
}
