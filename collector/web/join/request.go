package join

import (
	"net/http"
	"slices"

	"seawall/collector/fleet"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
)

// approve admits a host that waits, whose key the visitor has compared.
func (s *Page) approve(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("compared") != "yes" {
		s.frame.Redirect(w, r, "/hosts", "Nothing was decided: compare the key with what the host says first, and tick that it is the same.")
		return
	}
	s.decide(w, r, fleet.Approved, "The host was approved. It is admitted when it asks again.")
}

// reject turns away a host that waits.
func (s *Page) reject(w http.ResponseWriter, r *http.Request) {
	s.decide(w, r, fleet.Rejected, "The host was turned away.")
}

// decide keeps what a person decided. What somebody else decided meanwhile stays.
func (s *Page) decide(w http.ResponseWriter, r *http.Request, d fleet.Decision, said string) {
	if s.config.Decide == nil {
		s.frame.NotFound(w, r)
		return
	}
	id := r.PathValue("id")
	all, err := s.config.Requests(r.Context())
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	i := slices.IndexFunc(all, func(one fleet.Request) bool { return one.ID == id })
	if i < 0 {
		s.frame.NotFound(w, r)
		return
	}
	if was := all[i].Decision; was != fleet.Waiting {
		s.frame.Redirect(w, r, "/hosts", "Nothing was decided: the host was "+string(was)+" before. What undoes that is a command: seawall-collector host approve, host reject, host revoke.")
		return
	}
	if err := s.config.Decide(trail.As(r.Context(), frame.Of(r).User), id, d); err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Redirect(w, r, "/hosts", said)
}
