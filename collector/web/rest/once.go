package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"seawall/collector/once"
	"seawall/collector/web/frame"
)

const keyHeader = "Idempotency-Key"

// wish returns what a request's key is for, nil where it has none, and has the body go
// into it as it is read.
func (s *Server) wish(e *Endpoint, in *http.Request) (*once.Wish, error) {
	keys := in.Header.Values(keyHeader)
	if e.Method != http.MethodPost || s.config.Once == nil || len(keys) == 0 {
		return nil, nil
	}
	if len(keys) > 1 {
		return nil, Refuse(http.StatusBadRequest, fmt.Sprintf("header %s: given %d times", keyHeader, len(keys)))
	}
	who := frame.Of(in)
	w, err := once.New(who.Session, e.Method, in.URL.Path, keys[0])
	if err != nil {
		return nil, Refuse(http.StatusBadRequest, "header "+keyHeader+": "+err.Error())
	}
	// What was told to a token that might see more is not told again to one that may see less.
	fmt.Fprintf(w, "%s %q\n", who.Role, who.Scope)
	in.Body = tee{io.TeeReader(in.Body, w), in.Body}
	return w, nil
}

type tee struct {
	io.Reader
	io.Closer
}

// made is an answer as it is sent.
type made struct {
	code  int
	place string
	body  []byte
}

// serve answers a request that was understood, once for each wish.
func (s *Server) serve(e *Endpoint, r *Request, wish *once.Wish) (made, error) {
	if wish == nil {
		return do(e, r)
	}
	was, err := s.config.Once.Take(r.Context(), wish)
	if err != nil {
		return made{}, keyRefused(err)
	}
	switch {
	case was.Status == 0:
	case was.Body == "" && was.Status != http.StatusNoContent:
		return made{}, Refuse(http.StatusConflict, "This was made with the first request of the key, and is at "+was.Place+". Its answer held a secret, which is not told again.")
	default:
		return made{was.Status, was.Place, []byte(was.Body)}, nil
	}
	a, err := do(e, r)
	ctx := context.WithoutCancel(r.Context()) // whoever left may ask again
	if err != nil {
		if refused(err) {
			return made{}, errors.Join(err, s.config.Once.Drop(ctx, wish))
		}
		return made{}, err // whether it was done is not known: the key stays taken
	}
	keep := once.Answer{Status: a.code, Place: a.place, Body: string(a.body)}
	if e.Secret {
		keep.Body = ""
	}
	if err := s.config.Once.Keep(ctx, wish, keep); err != nil {
		s.config.Frame.Log().Warn("what was made is not told again to who asks for it twice", "path", r.URL.Path, "err", err)
	}
	return a, nil
}

// do has the endpoint answer.
func do(e *Endpoint, r *Request) (a made, err error) {
	v, err := e.Serve(r)
	if err != nil {
		return a, err
	}
	a.code = http.StatusOK
	if c, ok := v.(Created); ok {
		a.code, a.place, v = http.StatusCreated, c.At, c.What
	}
	if e.Answer == nil {
		a.code = http.StatusNoContent
		return a, nil
	}
	a.body, err = encode(v)
	return a, err
}

// refused reports whether an error says that nothing was done.
func refused(err error) bool {
	_, is := errors.AsType[*refusal](err)
	return is || errors.Is(err, fs.ErrNotExist)
}

// keyRefused is what is answered where a key cannot be used.
func keyRefused(err error) error {
	switch {
	case errors.Is(err, once.ErrOther):
		return Refuse(http.StatusUnprocessableEntity, "The key was used with another body, or when the token had another role or scope: take a new one for a new wish.")
	case errors.Is(err, once.ErrRunning):
		return Refuse(http.StatusConflict, "The first request with this key runs, or was cut off: look whether what it asked for is there.")
	case errors.Is(err, once.ErrFull):
		return Refuse(http.StatusTooManyRequests, fmt.Sprintf("The token used %d keys within %v.", once.Most, once.Life))
	}
	return err
}
