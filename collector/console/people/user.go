package people

import (
	"context"

	"github.com/spf13/cobra"

	seawallv1 "seawall/proto/seawall/v1"
)

func (c Console) userAdd() *cobra.Command {
	var r seawallv1.AddUserRequest
	var file string
	cmd := c.command("add NAME", "Make a user", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) (err error) {
		if r.Password, err = c.password(file); err != nil {
			return err
		}
		r.Name = args[0]
		made, err := to.AddUser(ctx, &r)
		if err != nil {
			return err
		}
		return c.made(r.GetName(), made.GetPassword())
	})
	cmd.Long = `Make a user. Without --password-file the collector makes a password, which is shown once,
alone on standard output.`
	cmd.Example = `  seawall-collector user add ann --role admin
  seawall-collector user add bob --tag web --tag db`
	c.bounds(cmd, &r.Role, &r.Scope)
	cmd.Flags().StringVar(&file, "password-file", "", "`file` whose first line is the password; - for standard input")
	cmd.Flags().BoolVar(&r.WithoutPassword, "without-password", false, "the user signs in through a provider of identities alone")
	cmd.MarkFlagsMutuallyExclusive("password-file", "without-password")
	return cmd
}

// bounds registers what somebody may do.
func (c Console) bounds(cmd *cobra.Command, role *string, scope *[]string) {
	cmd.Flags().StringVar(role, "role", "viewer", "`role`: viewer, operator or admin")
	cmd.Flags().StringArrayVar(scope, "tag", nil, "`tag` of hosts that may be seen, once for each; without one all hosts")
}

func (c Console) userList() *cobra.Command {
	var asJSON bool
	cmd := c.command("list", "List users", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		all, err := to.ListUsers(ctx, &seawallv1.ListUsersRequest{})
		if err != nil {
			return err
		}
		if asJSON {
			return c.JSON(all)
		}
		var rows [][]string
		for _, u := range all.GetUsers() {
			state := "by password"
			switch {
			case u.GetDisabled():
				state = "not, disabled"
			case !u.GetPassword():
				state = "by provider"
			}
			rows = append(rows, []string{u.GetName(), u.GetRole(), hosts(u.GetScope()), state, when(u.GetSeen())})
		}
		return c.table("NAME\tROLE\tHOSTS\tSIGNS IN\tLAST", rows)
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func (c Console) userRole() *cobra.Command {
	var r seawallv1.SetUserRoleRequest
	var all bool
	cmd := c.command("role NAME", "Give a user another role, or other tags", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) (err error) {
		r.Name = args[0]
		if !all && len(r.GetScope()) == 0 && r.GetRole() != "admin" {
			if r.Scope, err = scope(ctx, to, r.GetName()); err != nil {
				return err
			}
		}
		_, err = to.SetUserRole(ctx, &r)
		return err
	})
	cmd.Long = `Give a user another role, or other tags. Without --tag and --all-hosts the user sees the hosts
that it saw before; an admin sees all.`
	cmd.Example = `  seawall-collector user role bob --role operator
  seawall-collector user role bob --role viewer --tag web --tag db`
	f := cmd.Flags()
	f.StringVar(&r.Role, "role", "", "`role`: viewer, operator or admin")
	f.StringArrayVar(&r.Scope, "tag", nil, "`tag` of hosts that may be seen from now on, once for each")
	f.BoolVar(&all, "all-hosts", false, "all hosts may be seen from now on")
	cmd.MarkFlagsMutuallyExclusive("tag", "all-hosts")
	_ = cmd.MarkFlagRequired("role") // the flag is there
	return cmd
}

// scope is the tags of the hosts that a user sees now. Of a user that there is not, the collector says so
// when it is asked for the change.
func scope(ctx context.Context, to client, name string) ([]string, error) {
	all, err := to.ListUsers(ctx, &seawallv1.ListUsersRequest{})
	for _, u := range all.GetUsers() {
		if u.GetName() == name {
			return u.GetScope(), nil
		}
	}
	return nil, err
}

func (c Console) userPassword() *cobra.Command {
	var file string
	cmd := c.command("passwd NAME", "Give a user another password", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		word, err := c.password(file)
		if err != nil {
			return err
		}
		made, err := to.SetUserPassword(ctx, &seawallv1.SetUserPasswordRequest{Name: args[0], Password: word})
		if err != nil {
			return err
		}
		return c.made(args[0], made.GetPassword())
	})
	cmd.Flags().StringVar(&file, "password-file", "", "`file` whose first line is the password; - for standard input; without one it is made")
	return cmd
}

func (c Console) userDisable(use string, disabled bool) *cobra.Command {
	short := "Let a user sign in again"
	if disabled {
		short = "Let a user sign in no more; its API tokens are refused too"
	}
	return c.command(use+" NAME", short, cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		_, err := to.DisableUser(ctx, &seawallv1.DisableUserRequest{Name: args[0], Disabled: disabled})
		return err
	})
}

func (c Console) userRemove() *cobra.Command {
	return c.command("remove NAME", "Remove a user and its API tokens", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		_, err := to.RemoveUser(ctx, &seawallv1.RemoveUserRequest{Name: args[0]})
		return err
	})
}
