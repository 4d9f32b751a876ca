//! Sets the cfg that distinguishes this build of the source from the others.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cfg=selvedge_without_yields");
}
