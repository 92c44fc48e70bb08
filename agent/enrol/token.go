package enrol

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"seawall/agent/private"
	"seawall/pkg/token"
)

// maxToken bounds the token file; what may stand in it is shorter.
const maxToken = 1 << 10

// errNoToken says that there is no token that could be tried.
var errNoToken = &Problem{Err: errors.New("no token")}

// readToken reads the token file. errNoToken says that there is none that could be
// tried: a token that was refused for good stays refused.
func (e *Enrolment) readToken() (token.Token, error) {
	e.seen = mark(e.cfg.TokenFile)
	b, err := private.ReadFile(e.cfg.TokenFile, maxToken)
	if errors.Is(err, fs.ErrNotExist) {
		return token.Token{}, errNoToken
	}
	if err != nil {
		return token.Token{}, &Problem{Err: fmt.Errorf("read token: %w", err)}
	}
	t, err := token.Parse(string(b))
	if err != nil {
		return token.Token{}, &Problem{Err: fmt.Errorf("%s: %w: %s", e.cfg.TokenFile, err, newToken)}
	}
	if e.spent == t || (e.barred() && tokenID(t) == e.id.Token()) {
		return token.Token{}, errNoToken
	}
	return t, nil
}

func tokenID(t token.Token) string { return hex.EncodeToString(t.ID[:]) }

// mark returns something that differs when another file, or another text, has come
// to be at name.
func mark(name string) string {
	fi, err := os.Lstat(name)
	if err != nil {
		return ""
	}
	var inode uint64
	if stat, ok := fi.Sys().(*syscall.Stat_t); ok {
		inode = stat.Ino
	}
	return fmt.Sprint(inode, fi.Size(), fi.ModTime().UnixNano(), fi.Mode())
}

// clean removes the token that admitted this host. It is a secret that is needed no
// more, so not to succeed is worth a person's look; it is tried again.
func (e *Enrolment) clean() {
	used := e.id.Token()
	if e.cfg.KeepToken || used == "" {
		return
	}
	b, err := private.ReadFile(e.cfg.TokenFile, maxToken)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var t token.Token
	if err == nil {
		t, err = token.Parse(string(b))
	}
	if err == nil && tokenID(t) != used {
		return // an invitation that was not needed yet
	}
	if err == nil {
		err = private.Remove(e.cfg.TokenFile)
	}
	if err != nil {
		if e.littered {
			return
		}
		e.littered = true
		e.cfg.Log.Error("used token not removed: remove it by hand", "file", e.cfg.TokenFile, "err", err)
		return
	}
	e.littered = false
	e.cfg.Log.Info("used token removed", "file", e.cfg.TokenFile)
}
