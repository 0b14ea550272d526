//! A host that keeps up loads while its store fails.

fn main() -> anyhow::Result<()> {
    tidegate_fleet_tests::host::main()
}
