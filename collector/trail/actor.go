package trail

import "context"

// actor is the key of who acts in a context.
type actor struct{}

// As returns a context for what somebody does: services that people and hosts both use
// record it under that name, in the transaction that does it.
func As(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, actor{}, who)
}

// By returns who does what the context is for, and "" where it is no person.
func By(ctx context.Context) string {
	who, _ := ctx.Value(actor{}).(string)
	return who
}
