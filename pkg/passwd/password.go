package passwd

import "strings"

// The states of a password.
const (
	Set    = "set"
	Empty  = "empty"  // none is asked for
	Locked = "locked" // one is set, and a "!" before it makes it unusable
	None   = "none"   // nothing that is typed can match
	// Shadowed, in passwd: it stands in the file shadow.
	Shadowed = "shadowed"
)

// Password is what can be said of a password field without giving it away.
type Password struct {
	State string
	// Method is how it is hashed, by the names of crypt(5); "other" where the prefix
	// is not known; empty where there is no hash.
	Method string
}

// Strong reports whether whoever has the hash still has work to do.
func (p Password) Strong() bool {
	switch p.Method {
	case "yescrypt", "gost-yescrypt", "scrypt", "bcrypt", "sha512":
		return true
	}
	return false
}

// Classify classifies a password field.
func Classify(field string) Password {
	bare := strings.TrimLeft(field, "!")
	method := methodOf(bare)
	switch {
	case field == "":
		return Password{State: Empty}
	case field == "x", strings.HasPrefix(field, "##"):
		return Password{State: Shadowed}
	case method == "":
		return Password{State: None}
	case bare != field:
		return Password{State: Locked, Method: method}
	}
	return Password{State: Set, Method: method}
}

// prefixes are those of crypt(5).
func prefixes() [][2]string {
	return [][2]string{
		{"$y$", "yescrypt"}, {"$gy$", "gost-yescrypt"}, {"$7$", "scrypt"},
		{"$2a$", "bcrypt"}, {"$2b$", "bcrypt"}, {"$2x$", "bcrypt"}, {"$2y$", "bcrypt"},
		{"$6$", "sha512"}, {"$5$", "sha256"}, {"$sha1", "sha1"}, {"$md5", "sunmd5"}, {"$1$", "md5"}, {"$3$", "nthash"},
		{"_", "bsdi"}, {"$", "other"},
	}
}

// methodOf is the method of a hash, empty for what is none.
func methodOf(hash string) string {
	for _, p := range prefixes() {
		if strings.HasPrefix(hash, p[0]) {
			return p[1]
		}
	}
	const salt = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	if len(hash) >= 13 && strings.Trim(hash, salt) == "" {
		return "des"
	}
	return ""
}
