package main

import (
	"strings"
	"testing"

	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// registryStandIn is a registry server in place of another make's: with flags of an index
// it imports what that lists, from the endpoint, and serves it; without, what it had when
// the drill began. follow is what such a server does when the cursor moves.
const registryStandIn = `
old=
package-registry() {
  from="file://$PWD/files"
  if [ "$1" = -feature-storage-indexer ]; then
    index=$3 endpoint=$5 from="file://$PWD/indexed"
    follow
  fi
  if [ -n "$old" ]; then kill "$old"; wait "$old" || :; fi
  command regsnap serve --bucket "$from" --env production --listen "$OLD" 2>> old.log &
  old=$!
  servers+=($old)
  until curl -fso /dev/null "http://$OLD/health"; do kill -0 "$old"; sleep 0.1; done
}
follow() {
  # The edge may be behind its pointer: then an archive is not there yet.
  until command regsnap import --quiet --from-v2 "$index" --endpoint "$endpoint" --cache v2-cache --max-rate 1000 --env production --bucket "file://$PWD/indexed" --publish 2>> old.log; do
    tail -n 1 old.log | grep -q 'it is listed, and it is not there' || { cat old.log; return 1; }
    sleep 0.1
  done
}
`

// TestMigratingGuide is the drill of docs/migrating.md, each step with its proof and its way back,
// and the imports from registries and buckets that the manual names.
func TestMigratingGuide(t *testing.T) {
	s := servers.StartGCS(t)
	s.Setenv(t)
	bucket := "gs://" + s.NamedBucket(t, "migrating")
	old, edge := child.Address(t), child.Address(t)
	out, _ := runGuide(t, guide{
		file: "migrating.md",
		replace: [][2]string{
			{"--max-rate 20", "--max-rate 1000"},
			// What a server does by itself when the cursor moves.
			{"regsnap status --config regsnap.yml", "follow\nregsnap status --config regsnap.yml"},
			{"--reason 'drill' --yes\n", "--reason 'drill' --yes\nfollow\nwhile curl -fso /dev/null \"$EDGE/epr/web/web-1.1.0.zip\"; do sleep 0.1; done\n"},
			// A push for the drill.
			{"regsnap build --config regsnap.yml", "newPackage web 1.1.0\ngit -C package-storage fetch --quiet --update-head-ok origin production:production\nregsnap build --config regsnap.yml"},
			// Imports do not replace what was built from commits.
			{"regsnap import --registry \"$OLD_REGISTRY\" --bucket \"$BUCKET\"", "regsnap import --registry \"$OLD_REGISTRY\" --max-rate 1000 --bucket \"file://$PWD/from-registry\""},
			{"--from-v2 gs://storage --endpoint https://storage.example/ --bucket \"$BUCKET\"", "--from-v2 \"$BUCKET/storage/production\" --endpoint \"$EDGE/\" --max-rate 1000 --bucket \"file://$PWD/from-v2\""},
			// The other commands shall not find it.
			{"--config regsnap.yml", "--config drill.yml"},
			{"regsnap build --source dir:storage --bucket \"$BUCKET\"", "regsnap build --source dir:storage --env production --bucket \"file://$PWD/from-archives\""},
		},
		env: []string{"SERVER=" + edge, "OLD=" + old, "BUCKET=" + bucket, "EDGE=http://" + edge, "OLD_REGISTRY=http://" + old},
		before: guidePackages + registryStandIn + `
STORAGE="file://$PWD"
printf 'environments:\n  production:\n    branches: [production]\n    package_storage: v2\n' > drill.yml
printf '/*\n!/packages/\n' > .git/info/exclude
regsnap build --quiet --source git:. --bucket "file://$PWD/files" --env production --publish > before.log
package-registry -config config.yml
regsnap build --quiet --source git:. --bucket "$BUCKET" --env production --publish >> before.log
regsnap serve --bucket "$BUCKET" --env production --poll 100ms --listen "$SERVER" 2> edge.log
mkdir -p storage/production/packages/web
curl -fsSo storage/production/packages/web/web-1.0.0.zip "http://$OLD/epr/web/web-1.0.0.zip"
`,
	})
	if n := strings.Count(out, "no difference"); n < 6 {
		t.Errorf("%d checks found no difference, of 6:\n%s", n, out)
	}
}
