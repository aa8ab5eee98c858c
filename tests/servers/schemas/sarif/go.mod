module fluxidx.test/sarif

go 1.23

require github.com/owenrumney/go-sarif/v3 v3.3.0
