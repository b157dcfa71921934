package store_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// Objects that are put never change; a pointer is swapped, and of two that saw
// the same state one is told so.
func Example() {
	ctx := context.Background()
	s, err := store.Open(ctx, "mem://", store.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	for _, text := range []string{"first", "second"} {
		if err := s.Put(ctx, layout.Object{Key: "responses/a.json", Body: []byte(text), ContentType: "application/json"}); err != nil {
			log.Fatal(err)
		}
	}
	for o, err := range s.List(ctx, "responses/") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(o.Key, o.Size)
	}

	key := layout.PointerKey("production")
	fmt.Println(s.Swap(ctx, key, []byte("one"), ""))
	body, state, err := s.Load(ctx, key)
	fmt.Println(string(body), err)
	fmt.Println(s.Swap(ctx, key, []byte("two"), state))
	fmt.Println(errors.Is(s.Swap(ctx, key, []byte("late"), state), store.ErrConflict))
	// Output:
	// responses/a.json 5
	// <nil>
	// one <nil>
	// <nil>
	// true
}

// A decorator takes any store, one that this package does not know as well.
func ExampleRetry() {
	ctx := context.Background()
	inner, err := store.Open(ctx, "mem://", store.Options{})
	if err != nil {
		log.Fatal(err)
	}
	s := store.Retry(inner, store.RetryPolicy{Attempts: 3})
	defer s.Close()

	fmt.Println(s.Put(ctx, layout.Object{Key: "responses/a.json", ContentType: "application/json", Body: []byte("{}")}))
	// Output: <nil>
}
