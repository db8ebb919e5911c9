package manifest

import "time"

// Rollout says how fast a shift goes.
type Rollout struct {
	Order   string   `yaml:"order" default:"coverage" enum:"coverage|name|owner" doc:"Order of the targets; coverage puts one of each kind first."`
	Seed    *int     `yaml:"seed" doc:"The same seed gives the same waves. Default: from the name."`
	Waves   []Wave   `yaml:"waves" max:"20" doc:"Which share goes when. Default: one up to 20 targets, else canary, early, rest."`
	Limits  Rates    `yaml:"limits" doc:"How much at once."`
	Windows []Window `yaml:"windows" max:"20" doc:"When pull requests may be opened or merged."`
	Stop    Stop     `yaml:"stop" doc:"What halts the shift."`
}

// Wave is a share of the targets, counted from the first: percent 10 is what
// is left of the first tenth.
type Wave struct {
	Name    string `yaml:"name" req:"true" pattern:"[a-z0-9-]{1,40}" form:"1 to 40 lower-case letters, digits and dashes" doc:"Name of the wave."`
	Count   int    `yaml:"count" min:"1" doc:"Up to this many targets."`
	Percent int    `yaml:"percent" min:"1" max:"100" doc:"Up to this share of the targets."`
	Gate    *Gate  `yaml:"gate" doc:"What must hold before the next wave starts."`
}

// Gate is what must hold before the next wave starts.
type Gate struct {
	MergedPercent     *int          `yaml:"mergedPercent" min:"0" max:"100" doc:"Fewest merged."`
	MaxCIFailPercent  *int          `yaml:"maxCIFailPercent" min:"0" max:"100" doc:"Most failed."`
	MinHealthyPercent *int          `yaml:"minHealthyPercent" min:"0" max:"100" doc:"Fewest healthy of those merged."`
	Soak              time.Duration `yaml:"soak" doc:"How long to wait once the wave has settled."`
	Approve           bool          `yaml:"approve" doc:"The owner must approve."`
}

// Rates are a shift's limits.
type Rates struct {
	Workers      int `yaml:"workers" default:"8" min:"1" max:"500" doc:"Transforms at once."`
	OpenPRs      int `yaml:"openPRs" default:"100" min:"1" doc:"Pull requests that await review."`
	PendingCI    int `yaml:"pendingCI" default:"40" min:"1" doc:"Pull requests whose checks run."`
	PRsPerHour   int `yaml:"prsPerHour" default:"60" min:"1" max:"10000" doc:"Pull requests, and pushes, in an hour."`
	Burst        int `yaml:"burst" default:"10" min:"1" max:"10000" doc:"Of these at once after a quiet time."`
	PerOwnerOpen int `yaml:"perOwnerOpen" default:"5" min:"1" doc:"Open pull requests of all shifts for an owner."`
	PerRepoOpen  int `yaml:"perRepoOpen" default:"1" min:"1" doc:"Open pull requests of all shifts in a repository."`
}

// Window is a time of the week in which something may be done.
type Window struct {
	Days     []string `yaml:"days" enum:"mon|tue|wed|thu|fri|sat|sun" doc:"Days of the week. Default: all."`
	From     string   `yaml:"from" default:"00:00" pattern:"([01][0-9]|2[0-3]):[0-5][0-9]" form:"a time of day as 09:00" doc:"Opens at."`
	To       string   `yaml:"to" default:"24:00" pattern:"([01][0-9]|2[0-3]):[0-5][0-9]|24:00" form:"a time of day as 16:00" doc:"Closes at."`
	Timezone string   `yaml:"timezone" default:"UTC" doc:"IANA name, or owner for that of the repository's owner."`
	For      []string `yaml:"for" default:"open|merge" enum:"open|merge" doc:"What it is for."`
}

// TimezoneOwner is the timezone of a Window that is the target's owner's.
const TimezoneOwner = "owner"

// Stop says what halts a shift, over its last settled targets.
type Stop struct {
	Window          int `yaml:"window" default:"25" min:"2" max:"1000" doc:"How many settled targets are looked at."`
	FailPercent     int `yaml:"failPercent" default:"30" min:"1" max:"100" doc:"More failures halt."`
	SameSignature   int `yaml:"sameSignature" default:"5" min:"2" doc:"So many failures of one cause halt."`
	RevertedPercent int `yaml:"revertedPercent" default:"2" min:"1" max:"100" doc:"More reverts among the merged halt."`
}
