//! What the compiler says about wrong uses. `TRYBUILD=overwrite` writes the expected texts anew.

#[test]
fn wrong_uses_read_well() {
    trybuild::TestCases::new().compile_fail("tests/wrong/*.rs");
}
