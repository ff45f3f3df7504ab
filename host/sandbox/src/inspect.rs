//! What a component says of itself, read without compiling it: the manifest section, imports, exports, track. Needs no engine.

use portcullis_core::grant::Capability;
use portcullis_core::manifest::{Manifest, ManifestError, SECTION};
use portcullis_core::plugin::{Digest, Exports};
use wasmparser::{Parser, Payload};

use crate::capabilities::is_base;

/// The tracks of the WIT packages `portcullis:…` that this host speaks.
pub const TRACKS: [&str; 1] = ["0.1"];

/// Largest component in bytes. 64 MiB: three times a Python component.
pub const COMPONENT_MAX: usize = 64 << 20;

/// Why a file is no plugin.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// Over [`COMPONENT_MAX`].
    #[error("the component has {0} bytes; at most {COMPONENT_MAX} are allowed")]
    TooLarge(usize),
    /// Not WebAssembly, or cut off.
    #[error("the file is not a WebAssembly component: {0}")]
    Malformed(String),
    /// A core module.
    #[error("the file is a core module, not a component: build it for `wasm32-wasip2`")]
    CoreModule,
    /// No section [`SECTION`].
    #[error("the component carries no `plugin.yaml` (custom section `{SECTION}`): build it with `portcullis plugin build`")]
    NoManifest,
    /// Two sections that differ.
    #[error("the component carries two different `plugin.yaml` sections: build it again with `portcullis plugin build`")]
    TwoManifests,
    /// The section does not read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Exports neither world.
    #[error(
        "the component exports neither `{TOOLS}` nor `{AUTHENTICATION}`: it is neither a tool plugin nor an auth strategy (its exports: {0})"
    )]
    NoWorld(String),
    /// Exports both worlds.
    #[error(
        "the component exports both `{TOOLS}` and `{AUTHENTICATION}`: a plugin is either a tool plugin or an auth strategy, so make two of it"
    )]
    TwoWorlds,
    /// Speaks another track.
    #[error("the component speaks track {found} of `{package}`, this host speaks {}: build it against one of those", TRACKS.join(", "))]
    Track {
        /// The WIT package.
        package: String,
        /// The component's track.
        found: String,
    },
}

/// What a tool plugin exports.
const TOOLS: &str = "portcullis:tool/tools";

/// What an auth strategy exports.
const AUTHENTICATION: &str = "portcullis:auth/authentication";

/// What a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// World `tool` of `portcullis:tool`.
    Tool,
    /// World `authenticator` of `portcullis:auth`.
    Authenticator,
}

impl World {
    /// The WIT package.
    #[must_use]
    pub fn package(self) -> &'static str {
        match self {
            Self::Tool => "portcullis:tool",
            Self::Authenticator => "portcullis:auth",
        }
    }

    /// In findings.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Tool => "tool plugin",
            Self::Authenticator => "auth strategy",
        }
    }
}

/// An imported interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// As the component writes it, with its version.
    pub name: String,
    /// What it needs.
    pub need: Need,
}

/// What an imported interface needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: every plugin has it.
    Base,
    /// A grant.
    Grant(Capability),
    /// Something that this host does not have.
    Unknown,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// From the section.
    pub manifest: Manifest,
    /// Of the bytes.
    pub digest: Digest,
    /// In the component's order.
    pub imports: Vec<Import>,
    /// All exports, with versions.
    pub export_names: Vec<String>,
    /// The optional ones among them.
    pub exports: Exports,
    /// What it is.
    pub world: World,
    /// `MAJOR.MINOR` of its world's package.
    pub track: String,
    /// Bytes.
    pub size: usize,
}

/// Reads a component.
///
/// # Errors
/// [`InspectError`] if it is no plugin that this host can speak to.
pub fn inspect(component: &[u8]) -> Result<Inspection, InspectError> {
    let surface = Surface::read(component)?;
    let (world, track) = surface.world()?;
    let text = surface.manifest.or(surface.embedded).ok_or(InspectError::NoManifest)?;
    let manifest = Manifest::parse(&text)?;
    let exported = |interface: &str| surface.exports.iter().any(|name| unversioned(name) == interface);
    let exports = Exports {
        prompts: exported("portcullis:tool/prompts"),
        resources: exported("portcullis:tool/resources"),
        subscriptions: exported("portcullis:tool/subscriptions"),
        completions: exported("portcullis:tool/completions"),
        routes: exported("portcullis:auth/routes"),
    };
    Ok(Inspection {
        manifest,
        digest: Digest::of(component),
        imports: surface.imports.into_iter().map(|name| Import { need: need(&name), name }).collect(),
        exports,
        world,
        track,
        size: component.len(),
        export_names: surface.exports,
    })
}

/// The text of the `plugin.yaml` that a component carries, at its top level or in a core module within it; `None` if it carries none.
///
/// # Errors
/// [`InspectError`] if the bytes are no component, or carry two different ones.
pub fn manifest_text(component: &[u8]) -> Result<Option<String>, InspectError> {
    let surface = Surface::read(component)?;
    Ok(surface.manifest.or(surface.embedded))
}

fn unversioned(name: &str) -> &str {
    name.split_once('@').map_or(name, |(interface, _)| interface)
}

fn need(name: &str) -> Need {
    let interface = unversioned(name);
    match Capability::of_interface(interface) {
        Some(capability) => Need::Grant(capability),
        None if is_base(interface) => Need::Base,
        None => Need::Unknown,
    }
}

/// `portcullis:tool/tools@0.1.3` → (`portcullis:tool`, `0.1`).
fn package_and_track(name: &str) -> Option<(&str, String)> {
    let (interface, version) = name.split_once('@')?;
    let mut numbers = version.split('.');
    Some((interface.split_once('/')?.0, format!("{}.{}", numbers.next()?, numbers.next()?)))
}

/// The outside of a component.
#[derive(Debug, Default)]
struct Surface {
    /// At the top level, where `portcullis plugin build` puts it.
    manifest: Option<String>,
    /// In a core module, where a linker puts what the guest's source embeds. The top level wins.
    embedded: Option<String>,
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Surface {
    fn read(component: &[u8]) -> Result<Self, InspectError> {
        if component.len() > COMPONENT_MAX {
            return Err(InspectError::TooLarge(component.len()));
        }
        if Parser::is_core_wasm(component) {
            return Err(InspectError::CoreModule);
        }
        let (mut surface, mut depth) = (Self::default(), 0_u32);
        for payload in Parser::new(0).parse_all(component) {
            surface.take(payload.map_err(malformed)?, &mut depth)?;
        }
        Ok(surface)
    }

    fn take(&mut self, payload: Payload<'_>, depth: &mut u32) -> Result<(), InspectError> {
        match payload {
            Payload::Version { .. } => *depth += 1,
            Payload::End(_) => *depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if section.name() == SECTION => self.section(section.data(), *depth)?,
            Payload::ComponentImportSection(imports) if *depth == 1 => {
                for import in imports {
                    self.imports.push(import.map_err(malformed)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if *depth == 1 => {
                for export in exports {
                    self.exports.push(export.map_err(malformed)?.name.name.to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn section(&mut self, data: &[u8], depth: u32) -> Result<(), InspectError> {
        let text = std::str::from_utf8(data).map_err(|error| ManifestError::Syntax(error.to_string()))?;
        let place = if depth == 1 { &mut self.manifest } else { &mut self.embedded };
        match place {
            Some(first) if first != text => return Err(InspectError::TwoManifests),
            _ => *place = Some(text.to_owned()),
        }
        Ok(())
    }

    /// Every `portcullis:` interface must be of a track that we speak, and one world must be exported.
    fn world(&self) -> Result<(World, String), InspectError> {
        for (package, found) in self.exports.iter().chain(&self.imports).filter_map(|name| package_and_track(name)) {
            if package.starts_with("portcullis:") && !TRACKS.contains(&found.as_str()) {
                return Err(InspectError::Track { package: package.to_owned(), found });
            }
        }
        let track = |interface: &str| {
            let exported = self.exports.iter().find(|name| unversioned(name) == interface)?;
            package_and_track(exported).map(|(_, track)| track)
        };
        match (track(TOOLS), track(AUTHENTICATION)) {
            (Some(track), None) => Ok((World::Tool, track)),
            (None, Some(track)) => Ok((World::Authenticator, track)),
            (None, None) => Err(InspectError::NoWorld(self.exports.join(", "))),
            (Some(_), Some(_)) => Err(InspectError::TwoWorlds),
        }
    }
}

fn malformed(error: wasmparser::BinaryReaderError) -> InspectError {
    // wasmparser prints the bytes that it expected over many lines; a finding is one sentence.
    let message = error.message().lines().next().unwrap_or_default();
    let cause = message.split(" - expected").next().unwrap_or(message);
    InspectError::Malformed(format!("{cause} (at byte {})", error.offset()))
}
