package store

import (
	"context"
	"errors"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store/host"
	"seawall/collector/store/sqlite"
)

const (
	// maxGroup bounds how many requests share a transaction, and maxWeight about how many
	// rows they write: others wait for its end.
	maxGroup, maxWeight = 512, 4096
	// maxUrgent bounds those of them that come before what hosts say.
	maxUrgent = 64
	// rest is how much longer than it took a chore of which there is more lets others
	// have the writer.
	rest = 4
	// maxUnsettled bounds the transactions that wait to be on disk.
	maxUnsettled = 4
)

// commit is a transaction that is in the database's log and not yet on disk.
type commit struct {
	group   []request
	results []error
	updates []fleet.Update
	broken  error // no sync will say that what was committed is on disk
}

// write is the writer.
func (s *Store) write() {
	defer close(s.commits)
	expire, sweep := time.NewTimer(time.Minute), time.NewTimer(time.Minute)
	defer expire.Stop()
	defer sweep.Stop()
	for {
		select {
		case r := <-s.urgent:
			s.commit(s.gather(r))
		case r := <-s.requests:
			s.commit(s.gather(r))
		case <-expire.C:
			expire.Reset(paced(s.expire))
		case <-sweep.C:
			sweep.Reset(paced(s.sweep))
		case <-s.quit:
			return
		}
		// The log stays as it is where it cannot be copied, and is tried again.
		if err := sqlite.Classify(s.data.Tend(context.Background())); err != nil {
			s.cfg.Log.Warn("the database's log grows", "err", err)
			if err := ended(err); err != nil {
				s.commits <- commit{broken: err}
			}
		}
	}
}

// paced does a chore and returns when to go on: a backlog of them must not slow down
// the hosts.
func paced(chore func() time.Duration) time.Duration {
	began := time.Now()
	pause := chore()
	return max(pause, rest*time.Since(began))
}

// gather adds to r what is waiting already, what is urgent first. It never waits: streams
// block in submit while a transaction runs, and so are there when it ends.
func (s *Store) gather(r request) []request {
	group, weight := []request{r}, r.weight()
	for urgent := true; urgent && len(group) < maxUrgent; {
		select {
		case r := <-s.urgent:
			group, weight = append(group, r), weight+r.weight()
		default:
			urgent = false
		}
	}
	for len(group) < maxGroup && weight < maxWeight {
		select {
		case r := <-s.requests:
			group, weight = append(group, r), weight+r.weight()
		default:
			return group
		}
	}
	return group
}

// commit does the group's work in one transaction. When that fails, each request
// is tried alone, so that one that cannot succeed does not take others with it.
func (s *Store) commit(group []request) {
	results, updates, failed := s.transact(group)
	broken := over(results)
	if failed && broken == nil && len(group) > 1 && !down(results[0]) {
		for i, r := range group {
			if i > 0 && down(results[i-1]) {
				results[i] = results[i-1]
				continue
			}
			var more []fleet.Update
			more, results[i] = s.alone(r.do)
			updates = append(updates, more...)
		}
		broken = over(results)
	}
	for i := range group {
		group[i].do = nil // and what it holds: the disk may take its time
	}
	s.commits <- commit{group, results, updates, broken}
}

// over returns the error that says that nothing more can be written.
func over(results []error) error {
	for _, err := range results {
		if err := ended(err); err != nil {
			return err
		}
	}
	return nil
}

// down reports whether an error says that no transaction can begin.
func down(err error) bool {
	var no unbegun
	return errors.As(err, &no)
}

// alone does something in a transaction of its own.
func (s *Store) alone(do func(*host.Batch) error) ([]fleet.Update, error) {
	results, updates, _ := s.transact([]request{{do: do}})
	return updates, results[0]
}

// chore is what the writer does by itself, in a transaction of its own.
func (s *Store) chore(do func(*host.Batch) error) error {
	updates, err := s.alone(do)
	s.commits <- commit{updates: updates, broken: ended(err)}
	return err
}

// settle brings transactions to disk and then says so: to those who asked for them
// and to those who listen. While it does, the writer goes on with the next. Once
// that has failed nothing is durable any more, and no request succeeds.
func (s *Store) settle() {
	defer close(s.done)
	for c := range s.commits {
		all := []commit{c}
		for more := true; more && len(all) < maxUnsettled; {
			select {
			case c, ok := <-s.commits:
				if more = ok; ok {
					all = append(all, c)
				}
			default:
				more = false
			}
		}
		if s.broken == nil {
			if s.broken = s.bring(all); s.broken != nil {
				s.failed <- s.broken
			}
		}
		for _, c := range all {
			s.answer(c)
		}
	}
}

// bring brings transactions to disk.
func (s *Store) bring(all []commit) error {
	for _, c := range all {
		if c.broken != nil {
			return c.broken
		}
	}
	return s.data.Sync()
}

// answer tells what became of a transaction.
func (s *Store) answer(c commit) {
	for i, r := range c.group {
		if s.broken != nil {
			r.done <- s.broken
		} else {
			r.done <- c.results[i]
		}
	}
	if s.broken != nil {
		return
	}
	for _, u := range c.updates {
		s.feed.Publish(u)
	}
}

// Run returns when ctx ends, or with the reason when the store cannot go on: the
// disk refused what had been written to it, and only a new start tells what is left.
func (s *Store) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// ended returns the error that says that nothing more can be written: the disk refused
// what had been.
func ended(err error) error {
	if err := sqlite.Classify(err); errors.Is(err, sqlite.ErrUnsynced) {
		return err
	}
	return nil
}
