package part

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// What was counted is kept for a while, for its scope alone, and never for many scopes.
func TestKept(t *testing.T) {
	now := time.Unix(1000, 0)
	k := NewKept[int](10*time.Second, func() time.Time { return now })
	calls := 0
	count := func() (int, error) { calls++; return calls, nil }
	ask := func(want int, scope ...string) {
		t.Helper()
		if got, err := k.Of(scope, count); got != want || err != nil {
			t.Errorf("scope %q: %d, %v; want %d", scope, got, err, want)
		}
	}
	if _, err := k.Of(nil, func() (int, error) { return 0, errors.New("no") }); err == nil {
		t.Error("an error was lost")
	}
	ask(1)
	ask(2, "a", "b")
	ask(1)
	ask(2, "a", "b")
	ask(3, "a")
	now = now.Add(10 * time.Second)
	ask(4)
	for i := range 3 * maxScopes {
		ask(5+i, fmt.Sprint("tag-", i))
	}
	if len(k.of) > maxScopes {
		t.Errorf("%d scopes are kept", len(k.of))
	}
}
