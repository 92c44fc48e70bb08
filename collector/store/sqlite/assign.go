package sqlite

import (
	"database/sql/driver"
	"fmt"
	"reflect"
)

// assign puts a column's value into *to. It takes what SQLite gives for a column of
// that kind and nothing else: tables hold what this program wrote, so a value of
// another kind is damage.
func assign(to any, v driver.Value) error {
	switch to := to.(type) {
	case *[]byte:
		switch v := v.(type) {
		case nil:
			*to = nil
		case []byte:
			*to = v // the driver's own copy of the row
		case string:
			*to = []byte(v)
		default:
			return mismatch(to, v)
		}
		return nil
	case *string:
		s, ok := v.(string)
		if !ok {
			return mismatch(to, v)
		}
		*to = s
		return nil
	case *int64:
		n, ok := v.(int64)
		if !ok {
			return mismatch(to, v)
		}
		*to = n
		return nil
	}
	return assignKind(reflect.ValueOf(to).Elem(), v)
}

// assignKind assigns to the types that are made of numbers and strings.
func assignKind(to reflect.Value, v driver.Value) error {
	switch v := v.(type) {
	case string:
		if to.Kind() == reflect.String {
			to.SetString(v)
			return nil
		}
	case int64:
		switch {
		case to.Kind() == reflect.Bool && (v == 0 || v == 1):
			to.SetBool(v == 1)
			return nil
		case to.CanInt() && !to.OverflowInt(v):
			to.SetInt(v)
			return nil
		case to.CanUint() && v >= 0 && !to.OverflowUint(uint64(v)):
			to.SetUint(uint64(v))
			return nil
		}
	}
	return mismatch(to.Interface(), v)
}

func mismatch(to any, v driver.Value) error {
	return fmt.Errorf("a %T where a %T should be: %w", v, to, ErrDamaged)
}
