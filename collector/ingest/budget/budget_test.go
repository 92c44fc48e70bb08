package budget

import (
	"context"
	"errors"
	"testing"
)

// TestBudget waits for memory, and lets what is larger than all of it go alone.
func TestBudget(t *testing.T) {
	b := New(1000)
	free, err := b.Hold(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Hold(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("there is more: %v", err)
	}
	if other, err := b.Unfold(t.Context(), make([]byte, 200)); err != nil {
		t.Errorf("the other part is taken, too: %v", err)
	} else {
		other()
	}
	free()
	if free, err = b.Hold(t.Context(), 500); err != nil {
		t.Fatal(err)
	}
	free()
}
