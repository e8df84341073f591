package graph

import (
	"fmt"
	"reflect"
	"slices"
)

// A keptView is a View, whatever its types: a param may hold one that another instance has published.
type keptView interface {
	saveView() ([]byte, error)
	rowType() reflect.Type
}

type recordedView[K any, V any] struct {
	Keys []K
	Rows []V
}

func (v View[K, V]) saveView() ([]byte, error) {
	s := recordedView[K, V]{Rows: v.All()}
	for i := range v.Len() {
		s.Keys = append(s.Keys, v.Key(i))
	}
	return encMode.Marshal(s)
}

func (v View[K, V]) rowType() reflect.Type { return reflect.TypeFor[V]() }

func (v *View[K, V]) loadView(b []byte) error {
	var s recordedView[K, V]
	if err := snapMode.Unmarshal(b, &s); err != nil {
		return err
	}
	if len(s.Keys) != len(s.Rows) || !slices.IsSorted(s.Keys) {
		return fmt.Errorf("%d keys of %d rows, or not in order", len(s.Keys), len(s.Rows))
	}
	*v = View[K, V]{}.renew(slices.Compact(slices.Clone(s.Keys)), len(s.Keys), func(k K) (V, bool) {
		i, ok := find(s.Keys, k)
		return s.Rows[i], ok
	})
	return nil
}

// save and load keep the value of a param.
func (h *heldParam[T]) save() ([]byte, error) {
	if v, ok := any(h.v).(keptView); ok {
		return v.saveView()
	}
	return encMode.Marshal(&h.v)
}

func (h *heldParam[T]) load(b []byte) error {
	if v, ok := any(&h.v).(interface{ loadView([]byte) error }); ok {
		return v.loadView(b)
	}
	var v T // nothing of an earlier value may shine through
	if err := snapMode.Unmarshal(b, &v); err != nil {
		return err
	}
	h.v = v
	return nil
}

// notRecordable says which part of t a recording could not keep, or "".
func notRecordable(t reflect.Type) string {
	if t.Implements(reflect.TypeFor[keptView]()) && t.Kind() == reflect.Struct {
		t = reflect.Zero(t).Interface().(keptView).rowType()
	}
	return notEncodable(t, map[reflect.Type]bool{})
}
