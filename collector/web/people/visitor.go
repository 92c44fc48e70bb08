package people

import (
	"net/http"
	"strings"

	"seawall/collector/web/frame"
)

// Visitor returns who sends r, the zero Visitor when it comes with neither a session
// nor an API token that is good. A request with a token has no session: what a page of
// another site could make a browser send is never taken for a program's.
func (s *Pages) Visitor(r *http.Request) frame.Visitor {
	if header := r.Header.Get("Authorization"); header != "" {
		return s.program(r, header)
	}
	token := s.frame.Cookie(r, "session")
	found := s.config.Sessions.Find(r.Context(), token)
	if found == nil {
		return frame.Visitor{}
	}
	who := found.Who()
	return frame.Visitor{User: who.User, Role: who.Role, Scope: who.Scope, Form: s.config.Sessions.Form(token), Session: found.ID(), Done: found.Done()}
}

// tokenBytes is the longest API token that is looked at.
const tokenBytes = 128

func (s *Pages) program(r *http.Request, header string) frame.Visitor {
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok || s.config.Bearer == nil || len(token) > tokenBytes {
		return frame.Visitor{}
	}
	who, err := s.config.Bearer(r.Context(), token)
	if err != nil {
		return frame.Visitor{}
	}
	return frame.Visitor{User: who.User, Role: who.Role, Scope: who.Scope, Program: true, Session: who.Token}
}
