package store

import (
	"errors"
	"fmt"

	"seawall/collector/fleet"
	"seawall/collector/store/host"
)

// refusal is an error of a request that has written nothing: the others of its
// transaction go on.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// unbegun is an error of a transaction that did not begin: to try again is no use.
type unbegun struct{ error }

func (u unbegun) Unwrap() error { return u.error }

// transact does the work of requests in one transaction and says what became of
// each. Where the transaction failed, all did.
func (s *Store) transact(group []request) (results []error, updates []fleet.Update, failed bool) {
	results = make([]error, len(group))
	b := host.New(s.data.Writer, s.cfg.Now().UTC(), s.hosts, host.Limits{Results: s.cfg.MaxResults, Detections: s.cfg.MaxDetections, Log: s.cfg.Log})
	err := s.do(b, group, results)
	b.Release(err == nil)
	if err != nil {
		for i := range results {
			results[i] = err
		}
		return results, nil, true
	}
	return results, b.Updates, false
}

func (s *Store) do(b *host.Batch, group []request, results []error) (err error) {
	past, err := s.data.Begin()
	if past.All {
		clear(s.hosts)
	}
	for _, id := range past.Hosts {
		delete(s.hosts, id)
	}
	if err != nil {
		return unbegun{fmt.Errorf("begin: %w", err)}
	}
	defer func() {
		if err != nil {
			s.data.Rollback()
		}
	}()
	if err := foresee(b, group); err != nil {
		return fmt.Errorf("read what is needed: %w", err)
	}
	for i, r := range group {
		err := r.do(b)
		if err == nil {
			continue
		}
		var no refusal
		if !errors.As(err, &no) {
			return err
		}
		results[i] = no.error
	}
	if err := b.End(); err != nil {
		return err
	}
	if err := s.data.Commit(b.Difference()); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// foresee reads at once what the group's work needs.
func foresee(b *host.Batch, group []request) error {
	var ids []fleet.HostID
	var works []*host.Work
	for _, r := range group {
		if r.work != nil {
			ids, works = append(ids, r.host), append(works, r.work)
		}
	}
	return b.Foresee(ids, works)
}
