//! The function of workflow engines that bring the configuration with every call.

use super::{Passage, RateLimiterNode};
use crate::error::Error;
use crate::gate::Tidegate;
use crate::nodes::json::Json;
use crate::nodes::output::NodeOutput;

impl Tidegate {
    /// Opens a rate limiter node on its JSON configuration.
    ///
    /// # Errors
    /// [`Error::Config`] with all problems of the configuration.
    pub fn rate_limiter_node(&self, config: &(impl Json + ?Sized)) -> Result<RateLimiterNode, Error> {
        RateLimiterNode::open(&self.core, &config.text())
    }

    /// [`RateLimiterNode::execute`] on a configuration that comes with the call. The last 256 of
    /// them stay open.
    ///
    /// # Errors
    /// [`Error::Config`]; and those of [`RateLimiterNode::execute`].
    pub async fn execute_rate_limiter_node(
        &self,
        config: &(impl Json + ?Sized),
        context: &(impl Json + ?Sized),
    ) -> Result<NodeOutput<Passage>, Error> {
        let config = config.text();
        let node = self.nodes.of().kept(&config, || RateLimiterNode::open(&self.core, &config))?;
        let passage = node.execute(context).await?;
        match node.output(context, &passage.json) {
            Ok(context) => Ok(NodeOutput { passage, context }),
            Err(error) => {
                // The caller will not know that it was let go.
                if let Some(token) = &passage.token {
                    node.abandon(context, token).await?;
                }
                Err(error)
            }
        }
    }
}
