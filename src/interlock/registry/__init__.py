"""Model versions and endpoints: registering, compiling, proving, looking up."""
